using System.Diagnostics;
using System.Globalization;

namespace EndToEnd.Fire;

/// <summary>
/// Every second something happens to one of the processes: it is killed, and started again within a second, or it is frozen for one to five.
/// All have their turn, in an order that is decided by a seed, as is what is done to them; what it meets is not.
/// </summary>
internal sealed class Executioner(IReadOnlyList<RestartableProcess> victims, int seed)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>One second out of so many somebody may be killed although another is starting.</summary>
    private const int KillsMeanwhile = 4;

    private readonly Random _random = new(seed);
    private readonly Stopwatch _clock = new();
    private readonly List<RestartableProcess> _turns = [];
    private readonly Dictionary<RestartableProcess, Queue<bool>> _kills = victims.ToDictionary(victim => victim, _ => new Queue<bool>());
    private readonly List<Task> _mending = [];
    private readonly List<Deed> _deeds = [];
    private readonly List<string> _findings = [];

    public int Kills => _deeds.Count(deed => deed.IsKill);

    /// <summary>Kills of somebody while another was starting.</summary>
    public int KillsWhileStarting => _deeds.Count(deed => deed is { IsKill: true, AnotherStarts: true });

    public int Freezes => _deeds.Count(deed => !deed.IsKill);

    /// <summary>What happened when.</summary>
    public IReadOnlyList<Deed> Deeds => _deeds;

    /// <summary>Processes that ended although nobody killed them.</summary>
    public IReadOnlyList<string> Findings => _findings;

    /// <summary>How long it went on.</summary>
    public TimeSpan Duration => _clock.Elapsed;

    /// <summary>Goes on as long as it is told after each second; when it returns, some may still be dead or frozen.</summary>
    /// <param name="goesOn">Is given the time since the beginning.</param>
    public async Task RunAsync(Func<TimeSpan, bool> goesOn)
    {
        using var timer = new PeriodicTimer(Interval);
        for (_clock.Start(); goesOn(_clock.Elapsed) && await timer.WaitForNextTickAsync();)
        {
            StartWhatEndedByItself();
            if (NextVictim() is { } victim)
                _mending.Add(HarmAsync(victim));
        }

        _clock.Stop();
    }

    /// <summary>When it returns, everything is started and continued, but perhaps not ready.</summary>
    public async Task MendAsync()
    {
        await Task.WhenAll(_mending);
        StartWhatEndedByItself();
    }

    /// <summary>
    /// Not what is still starting: on a slow machine it would be killed again and again, and never come up. Others are killed meanwhile only now and then: where
    /// starting takes longer than the pause between two kills, nothing else would get the processor. Whoever is passed over keeps its turn.
    /// </summary>
    private RestartableProcess? NextVictim()
    {
        var mayKill = _random.Next(KillsMeanwhile) == 0 || !AnotherStarts; // drawn in any case: what comes later does not depend on how fast somebody starts
        if (!_turns.Exists(MayHarm))
            _turns.AddRange(Shuffled(victims.Except(_turns)));
        var next = _turns.Find(MayHarm);
        if (next is not null)
            _turns.Remove(next);
        return next;

        bool MayHarm(RestartableProcess process) => process.IsUp && (mayKill || !NextIsKill(process));
    }

    private bool AnotherStarts => victims.Any(process => process.IsStarting);

    private async Task HarmAsync(RestartableProcess victim)
    {
        var kill = NextIsKill(victim);
        _kills[victim].Dequeue();
        var length = TimeSpan.FromMilliseconds(kill ? _random.Next(0, 1_000) : 1_000 + (int)(4_000 * Math.Pow(_random.NextDouble(), 2)) /* more short ones than long ones */);
        _deeds.Add(new Deed(_clock.Elapsed, victim, kill, length, AnotherStarts));
        if (kill)
        {
            await victim.KillAsync();
            await Task.Delay(length);
            victim.Start();
        }
        else
        {
            await victim.FreezeAsync();
            await Task.Delay(length);
            await victim.ContinueAsync();
        }
    }

    /// <summary>One time out of three: on a small machine starting a service costs as much as a hundred transfers.</summary>
    private bool NextIsKill(RestartableProcess victim)
    {
        if (_kills[victim].Count == 0)
            _kills[victim] = new Queue<bool>(Shuffled([true, false, false]));
        return _kills[victim].Peek();
    }

    private T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        _random.Shuffle(shuffled);
        return shuffled;
    }

    private void StartWhatEndedByItself()
    {
        foreach (var process in victims.Where(process => process.EndedByItself))
        {
            _findings.Add($"{process.Name} ended although nobody killed it:\n{process.Output}");
            process.Start();
        }
    }
}

/// <summary>What was done to whom.</summary>
/// <param name="After">The time since the beginning.</param>
/// <param name="Victim">Who.</param>
/// <param name="IsKill">Killed, or else frozen.</param>
/// <param name="Length">Until it was started, or went on.</param>
/// <param name="AnotherStarts">Somebody else was starting just then.</param>
internal sealed record Deed(TimeSpan After, RestartableProcess Victim, bool IsKill, TimeSpan Length, bool AnotherStarts)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{After.TotalSeconds,6:N1} s: {Victim.Name} {(IsKill ? "killed" : "frozen")} for {Length.TotalSeconds:N1} s{(AnotherStarts ? " while another was starting" : "")}");
}
