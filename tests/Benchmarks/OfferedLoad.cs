using System.Collections.Concurrent;
using System.Diagnostics;
using Bank.Contracts;
using Sequent.Client;

namespace Sequent.Benchmarks;

/// <summary>Transfers at a steady rate, whatever becomes of them: a bank that is too slow does not make its customers wait with the next one.</summary>
internal sealed class OfferedLoad(List<(BankSession Owner, long Id)> accounts, int rate)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Random _random = new(1);
    private readonly ConcurrentDictionary<long, TaskCompletionSource<long>> _endings = [];
    private ConcurrentBag<double> _answered = [];
    private ConcurrentBag<double> _decided = [];
    private int _offered;
    private int _failed;

    public int Offered => _offered;

    /// <summary>Offered and not yet decided, wherever they are: before the door, on the bus, or at Accounts.</summary>
    public int Backlog => _offered - _decided.Count;

    /// <summary>How long each POST took, in ms.</summary>
    public IReadOnlyCollection<double> Answered => _answered;

    /// <summary>How long each took until it was decided, in ms.</summary>
    public IReadOnlyCollection<double> Decided => _decided;

    public void Restart() => (_offered, _answered, _decided) = (0, [], []);

    /// <summary>Follows the log and notes what was decided, until it is stopped.</summary>
    public async Task FollowAsync(SequentClient bus, CancellationToken stop)
    {
        var query = new EventQuery { Types = [nameof(AcceptedTransaction), nameof(RejectedTransaction)] };
        try
        {
            await foreach (var page in bus.FollowAsync(query, stop))
            {
                foreach (var e in page is EventPage { Events: var events } ? events : [])
                    Note(e);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    public async Task OfferAsync(TimeSpan duration)
    {
        var start = Stopwatch.GetTimestamp();
        for (var next = 0; next < duration.TotalSeconds * rate; next++)
        {
            var due = start + (long)(next / (double)rate * Stopwatch.Frequency);
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } wait)
                await Task.Delay(wait);
            Interlocked.Increment(ref _offered);
            _ = TransferAsync(due);
        }
    }

    public async Task SettledAsync(TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); Backlog > 0; await Task.Delay(Pause))
        {
            if (_failed > 0 || clock.Elapsed > patience)
                throw new InvalidOperationException($"{_failed} failed, {Backlog} are not decided after {clock.Elapsed}.");
        }
    }

    private async Task TransferAsync(long due)
    {
        try
        {
            var from = _random.Next(accounts.Count);
            var to = (from + _random.Next(1, accounts.Count)) % accounts.Count;
            var started = Stopwatch.GetTimestamp();
            var id = await accounts[from].Owner.TransferAsync(accounts[from].Id, accounts[to].Id);
            _answered.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            var decided = await Ending(id).Task;
            _endings.TryRemove(id, out _);
            _decided.Add(Stopwatch.GetElapsedTime(due, decided).TotalMilliseconds);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or InvalidOperationException)
        {
            Interlocked.Increment(ref _failed);
        }
    }

    private void Note(RecordedEvent e)
    {
        if (e.Data is not AcceptedTransaction accepted)
            throw new InvalidOperationException($"{e}: every account has enough.");
        Ending(accepted.TransactionID).TrySetResult(Stopwatch.GetTimestamp());
    }

    /// <summary>The decision may be seen before the answer to the POST.</summary>
    private TaskCompletionSource<long> Ending(long id) => _endings.GetOrAdd(id, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
