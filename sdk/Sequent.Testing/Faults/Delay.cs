namespace Sequent.Testing.Faults;

/// <summary>A wait that is put in the way of something, in real time, and that ends early for everybody when it is changed.</summary>
internal sealed class Delay
{
    /// <summary>A longer one is a mistake in a test.</summary>
    private static readonly TimeSpan Max = TimeSpan.FromMinutes(1);

    private Setting? _setting;

    public bool IsSet => Volatile.Read(ref _setting) is not null;

    /// <exception cref="ArgumentOutOfRangeException">It is negative or longer than 1 min.</exception>
    public void Set(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, Max);
        var former = Interlocked.Exchange(ref _setting, time == TimeSpan.Zero ? null : new Setting(time));
        former?.Changed.TrySetResult();
    }

    public async ValueTask PassAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _setting) is not { } setting)
            return;
        await setting.Changed.Task.WaitAsync(setting.Time, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private sealed record Setting(TimeSpan Time)
    {
        public TaskCompletionSource Changed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
