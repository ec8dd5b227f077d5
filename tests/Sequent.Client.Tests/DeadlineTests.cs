using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Units;

namespace Sequent.Client.Tests;

internal sealed class DeadlineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly TimeWithTimersAtHand _time = new();
    private TimeSpan _availableFor = TimeSpan.MaxValue;

    [Test]
    public void It_comes_at_its_limit_and_not_before()
    {
        using var deadline = NewDeadline();

        _time.Advance(Limit - TimeSpan.FromMilliseconds(1));
        Assert.That(deadline.Token.IsCancellationRequested, Is.False);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(deadline.Token.IsCancellationRequested, Is.True);
    }

    [Test]
    public void Time_before_the_bus_came_back_does_not_count()
    {
        using var deadline = NewDeadline();
        _availableFor = TimeSpan.FromSeconds(4);

        _time.Advance(Limit);
        Assert.That(deadline.Token.IsCancellationRequested, Is.False, "the bus has been there for 4 s of it");

        _availableFor = Limit;
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.That(deadline.Token.IsCancellationRequested, Is.True);
    }

    [Test]
    public void It_can_start_anew_after_it_has_come()
    {
        using var deadline = NewDeadline();
        _time.Advance(Limit);

        deadline.Restart();
        Assert.That((deadline.Token.IsCancellationRequested, deadline.Elapsed), Is.EqualTo((false, TimeSpan.Zero)));

        _time.Advance(Limit);
        Assert.That((deadline.Token.IsCancellationRequested, deadline.Elapsed), Is.EqualTo((true, Limit)));
    }

    [Test]
    public void A_timer_that_was_on_its_way_when_it_started_anew_does_not_end_the_new_time()
    {
        using var deadline = NewDeadline();
        _time.Advance(TimeSpan.FromSeconds(9));
        deadline.Restart();

        _time.Fire();
        Assert.That(deadline.Token.IsCancellationRequested, Is.False);

        _time.Advance(Limit);
        Assert.That(deadline.Token.IsCancellationRequested, Is.True);
    }

    [Test]
    public void Once_disposed_it_never_comes_and_leaves_no_timer_behind()
    {
        var deadline = NewDeadline();

        deadline.Dispose();
        Assert.That(_time.Timers, Is.Zero);

        _time.Advance(Limit);
        _time.Fire();
        Assert.That(deadline.Token.IsCancellationRequested, Is.False, "not even by a timer that was on its way");
    }

    private Deadline NewDeadline() => new(Limit, _time, () => _availableFor);

    /// <summary>Fires timers also by hand, as those do that were due already when somebody changed or disposed of them.</summary>
    private sealed class TimeWithTimersAtHand : FakeTimeProvider
    {
        private readonly List<Action> _callbacks = [];

        /// <summary>How many were not disposed of.</summary>
        public int Timers { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _callbacks.Add(() => callback(state));
            Timers++;
            return new Timer(this, base.CreateTimer(callback, state, dueTime, period));
        }

        public void Fire() => _callbacks.ForEach(c => c());

        private sealed class Timer(TimeWithTimersAtHand time, ITimer inner) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

            public void Dispose()
            {
                time.Timers--;
                inner.Dispose();
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
