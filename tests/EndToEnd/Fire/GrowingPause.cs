namespace EndToEnd.Fire;

/// <summary>Pauses between two attempts, each twice as long as the last one: twenty clients that all ask at once keep a machine from mending.</summary>
internal sealed class GrowingPause(TimeSpan first, TimeSpan longest)
{
    private TimeSpan _next = first;

    public Task WaitAsync()
    {
        var pause = _next;
        _next = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, longest.Ticks));
        return Task.Delay(pause);
    }
}
