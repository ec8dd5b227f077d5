using System.Diagnostics;
using System.Globalization;

namespace EndToEnd.Fire;

/// <summary>
/// Every second something happens to one of the processes: it is killed, and started again within a second, or it is frozen for one to five.
/// What happens when is decided by a seed; what it meets is not.
/// </summary>
internal sealed class Executioner(IReadOnlyList<RestartableProcess> victims, int seed)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Random _random = new(seed);
    private readonly Stopwatch _clock = new();
    private readonly List<string> _deeds = [];
    private readonly List<string> _findings = [];

    public int Kills { get; private set; }

    public int Freezes { get; private set; }

    /// <summary>What happened when.</summary>
    public IReadOnlyList<string> Deeds => _deeds;

    /// <summary>Processes that ended although nobody killed them.</summary>
    public IReadOnlyList<string> Findings => _findings;

    /// <summary>How long it went on.</summary>
    public TimeSpan Duration => _clock.Elapsed;

    /// <summary>Goes on for a time; when it returns, everything is started and continued, but perhaps not ready.</summary>
    /// <param name="isOver">Asked every second, with the time since the start.</param>
    public async Task RunAsync(Func<TimeSpan, bool> isOver)
    {
        var mending = new List<Task>();
        using var timer = new PeriodicTimer(Interval);
        for (_clock.Start(); !isOver(_clock.Elapsed) && await timer.WaitForNextTickAsync();)
        {
            StartWhatEndedByItself();
            // Not what is still starting: on a slow machine it would be killed again and again, and never come up.
            var up = victims.Where(process => process.IsUp).ToArray();
            if (up.Length > 0)
                mending.Add(HarmAsync(up[_random.Next(up.Length)]));
        }

        _clock.Stop();
        await Task.WhenAll(mending);
        StartWhatEndedByItself();
    }

    private async Task HarmAsync(RestartableProcess victim)
    {
        var kill = _random.Next(3) == 0; // less often: on a small machine starting a service costs as much as a hundred transfers
        var length = TimeSpan.FromMilliseconds(kill ? _random.Next(0, 1_000) : 1_000 + (int)(4_000 * Math.Pow(_random.NextDouble(), 2)) /* more short ones than long ones */);
        _deeds.Add(string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,6:N1} s: {victim.Name} {(kill ? "killed" : "frozen")} for {length.TotalSeconds:N1} s"));
        if (kill)
        {
            Kills++;
            await victim.KillAsync();
            await Task.Delay(length);
            victim.Start();
        }
        else
        {
            Freezes++;
            await victim.FreezeAsync();
            await Task.Delay(length);
            await victim.ContinueAsync();
        }
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
