namespace Sequent.Testing.Faults;

/// <summary>Something that whoever comes has to wait at while it is closed.</summary>
internal sealed class Gate
{
    private TaskCompletionSource? _closed;

    public void Close() => Interlocked.CompareExchange(ref _closed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null);

    public void Open() => Interlocked.Exchange(ref _closed, null)?.TrySetResult();

    public async ValueTask PassAsync(CancellationToken cancellationToken)
    {
        while (Volatile.Read(ref _closed) is { } closed)
            await closed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
