using Sequent.Bus.Storage;
using Sequent.Client;
using Sequent.Testing.Running;

namespace Sequent.Testing;

/// <summary>What a test publishes, and what it looks up in the log. Looking up needs no bus that runs, and no fault reaches it.</summary>
public sealed partial class SequentTestBus
{
    /// <summary>Publishes an event, as some other service would, through a client of the test bus itself, which repeats it if need be.</summary>
    /// <param name="data">The event's data; its type gives the event's name.</param>
    /// <param name="sequence">The key, and perhaps the value it must take.</param>
    /// <param name="options">Id, correlation and trace, if they matter.</param>
    /// <param name="cancellationToken">Ends the waiting; the event may be stored nevertheless.</param>
    /// <exception cref="InvalidOperationException">The bus is stopped.</exception>
    /// <exception cref="SequenceConflictException">The value was not due.</exception>
    /// <exception cref="PublishRejectedException">The bus does not accept the event.</exception>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="TimeoutException">No receipt came within <see cref="Patience"/>; the event may be stored nevertheless.</exception>
    public async Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!IsRunning)
            throw new InvalidOperationException("The bus is stopped, so nothing can be published; call StartAgainAsync first.");
        using var limit = new Limit(Patience, cancellationToken);
        try
        {
            return await _own.PublishAsync(data, sequence, options, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or OutcomeUnknownException && limit.IsReached)
        {
            var why = !IsRunning ? " The bus is stopped." : _host.StoreFaults.Fails ? " The store is told to fail." : "";
            throw new TimeoutException($"Publishing to '{sequence.Key}' brought no receipt within {limit}.{why}");
        }
    }

    /// <summary>
    /// What was published by anybody, in log order. Data is read as the type that a client created through the bus knows for it, or that was published
    /// through the bus, else as <see cref="System.Text.Json.JsonElement"/>.
    /// </summary>
    /// <param name="key">Only events of this key; null: of all.</param>
    /// <param name="type">Only events of this type, by its name on the wire; null: of all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<IReadOnlyList<RecordedEvent>> EventsAsync(string? key = null, string? type = null, CancellationToken cancellationToken = default)
    {
        var events = await FindAsync(key, type, cancellationToken).ConfigureAwait(false);
        return [.. events.Select(_known.Read)];
    }

    /// <summary>The data of everything of one type that was published by anybody, in log order.</summary>
    /// <typeparam name="TEvent">The type of the data; its events are found by the name it is published under. Nobody has to know it before.</typeparam>
    /// <param name="key">Only events of this key; null: of all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="System.Text.Json.JsonException">The data of an event does not fit the type.</exception>
    public async Task<IReadOnlyList<TEvent>> PublishedAsync<TEvent>(string? key = null, CancellationToken cancellationToken = default)
    {
        var reader = _known.For<TEvent>();
        var events = await FindAsync(key, reader.EventType, cancellationToken).ConfigureAwait(false);
        return [.. events.Select(reader.Read)];
    }

    /// <summary>What a client type gave up, in log order; nothing if the bus does not know it.</summary>
    /// <param name="clientType">The client type.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<IReadOnlyList<DeadLetterInfo>> DeadLettersAsync(string clientType, CancellationToken cancellationToken = default)
    {
        var letters = await _host.Log.ReadDeadLettersAsync(clientType, 0, int.MaxValue, cancellationToken).ConfigureAwait(false);
        var events = await _host.Log.ReadAtAsync([.. letters.Select(l => l.Position)], int.MaxValue, cancellationToken).ConfigureAwait(false);
        return [.. letters.Zip(events, (l, e) => new DeadLetterInfo(_known.Read(e), l.Reason, l.Attempts, DateTimeOffset.UnixEpoch.AddMicroseconds(l.TimeMicros)))];
    }

    private async ValueTask<IEnumerable<StoredEvent>> FindAsync(string? key, string? type, CancellationToken cancellationToken)
    {
        var all = await _host.Log.ReadAsync(new LogRange(0, long.MaxValue, int.MaxValue), cancellationToken).ConfigureAwait(false);
        return all.Events.Where(e => (key is null || e.Key == key) && (type is null || e.EventType == type));
    }
}
