namespace Sequent.Client;

/// <summary>One event on its way through a handler, and the unit the handler works in.</summary>
/// <typeparam name="TEvent">The type of the event's data.</typeparam>
public sealed class EventContext<TEvent> : IUnit
{
    private readonly IUnit _unit;

    /// <summary>Creates a context. The SDK does this; tests of handlers may, with a unit of their own.</summary>
    /// <param name="recorded">The event; its data must be a <typeparamref name="TEvent"/>.</param>
    /// <param name="unit">Where reads and appends go.</param>
    /// <param name="attempt">Failures so far, plus one.</param>
    /// <param name="redelivered">True unless the bus knows that nobody had the event before.</param>
    /// <exception cref="InvalidCastException">The event's data is not a <typeparamref name="TEvent"/>.</exception>
    public EventContext(RecordedEvent recorded, IUnit unit, int attempt = 1, bool redelivered = false)
    {
        ArgumentNullException.ThrowIfNull(recorded);
        ArgumentNullException.ThrowIfNull(unit);
        (Event, Data, _unit, Attempt, Redelivered) = (recorded, (TEvent)recorded.Data, unit, attempt, redelivered);
    }

    /// <summary>The event as recorded.</summary>
    public RecordedEvent Event { get; }

    /// <summary>What happened.</summary>
    public TEvent Data { get; }

    /// <summary>The sequence key.</summary>
    public string Key => Event.Key;

    /// <summary>The value of the key.</summary>
    public uint Value => Event.Value;

    /// <summary>The place in the log.</summary>
    public long Position => Event.Position;

    /// <summary>The id it was published with, if any.</summary>
    public Guid? EventId => Event.EventId;

    /// <summary>A number that old services carry along. What the handler appends gets it too.</summary>
    public uint CorrelationId => Event.CorrelationId;

    /// <summary>When it became part of the log, UTC.</summary>
    public DateTimeOffset Time => Event.Time;

    /// <summary>Failures so far, plus one. Lost connections do not count.</summary>
    public int Attempt { get; }

    /// <summary>True unless the bus knows that nobody had the event before.</summary>
    public bool Redelivered { get; }

    /// <inheritdoc/>
    public ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState> => _unit.ReadAsync<TState>(key, cancellationToken);

    /// <inheritdoc/>
    public void Append(string key, object data) => _unit.Append(key, data);
}
