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

    /// <summary>Goes on for a time; when it returns, everything is started and continued, but perhaps not ready.</summary>
    public async Task RunAsync(TimeSpan duration)
    {
        var mending = new List<Task>();
        using var timer = new PeriodicTimer(Interval);
        for (_clock.Start(); _clock.Elapsed < duration && await timer.WaitForNextTickAsync();)
        {
            StartWhatEndedByItself();
            var up = victims.Where(process => !process.IsDown).ToArray();
            if (up.Length > 0)
                mending.Add(HarmAsync(up[_random.Next(up.Length)]));
        }

        await Task.WhenAll(mending);
        StartWhatEndedByItself();
    }

    private async Task HarmAsync(RestartableProcess victim)
    {
        var kill = _random.Next(2) == 0;
        var length = TimeSpan.FromMilliseconds(kill ? _random.Next(0, 1_000) : _random.Next(1_000, 5_000));
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
