namespace Sequent.Client;

/// <inheritdoc cref="ISequentClient"/>
public sealed class SequentClient : ISequentClient
{
    /// <summary>Creates a client with default options.</summary>
    /// <param name="server">The address of the bus, such as <c>ws://localhost:8081</c>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The address is not usable.</exception>
    public SequentClient(string server)
        : this(new SequentOptions { Server = new Uri(server) })
    {
    }

    /// <summary>Creates a client.</summary>
    /// <param name="options">How it works.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is not usable; the message names it and the remedy.</exception>
    public SequentClient(SequentOptions options) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ConnectionState State => throw new NotImplementedException();

    /// <inheritdoc/>
    public Task<BusInfo> ConnectAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public Task<Receipt> TryPublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public Task<UpdateResult> UpdateAsync(Func<IUnit, CancellationToken, Task> decide, UpdateOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public Task<KeyState<TState>> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState> => throw new NotImplementedException();

    /// <inheritdoc/>
    public IAsyncEnumerable<RecordedEvent> QueryAsync(EventQuery query, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public IAsyncEnumerable<FollowItem> FollowAsync(EventQuery query, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public IAsyncEnumerable<Delivery> SubscribeAsync(SubscriptionOptions options, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
