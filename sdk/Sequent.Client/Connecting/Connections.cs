namespace Sequent.Client.Connecting;

/// <summary>
/// The connections of one client: one for publishing and short queries, one per subscription, one per follow, so that a slow reader never
/// holds back a receipt. Closing this closes them all.
/// </summary>
internal sealed class Connections(ConnectionSettings settings) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Connection> _open = [];
    private bool _closed;

    /// <summary>A connection for whoever needs one; it opens when first used.</summary>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public Connection Open()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(SequentClient));
            _open.RemoveAll(c => c.State == ConnectionState.Closed);
            var connection = new Connection(settings);
            _open.Add(connection);
            return connection;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Connection[] open;
        lock (_lock)
        {
            _closed = true;
            open = [.. _open];
        }

        await Task.WhenAll(open.Select(c => c.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
