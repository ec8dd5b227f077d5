namespace Sequent.Client.Connecting;

/// <summary>Pauses that double from <paramref name="first"/> to <paramref name="max"/>. Half of each is random, so that many who failed together do not come back together.</summary>
internal readonly struct Backoff(TimeSpan first, TimeSpan max)
{
    /// <summary>The pause after so many failures before this one.</summary>
    public TimeSpan Delay(int failures)
    {
        // 2^30 times any sensible first pause is beyond any sensible limit.
        var full = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 30)), max.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full * (0.5 + (Random.Shared.NextDouble() / 2)));
    }
}
