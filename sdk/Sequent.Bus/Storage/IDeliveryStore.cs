namespace Sequent.Bus.Storage;

/// <summary>What must survive a restart about client types: how far they are, what they owe, what they gave up.</summary>
internal interface IDeliveryStore
{
    /// <summary>Every client type as last saved.</summary>
    ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Saves changes of client types, all or none, durably.</summary>
    /// <exception cref="StoreException">Nothing was saved.</exception>
    ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken);

    /// <summary>Drops everything about a client type, its dead letters too.</summary>
    /// <exception cref="StoreException">Nothing was dropped.</exception>
    ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken);

    /// <summary>The dead letters of a client type after a position, ascending.</summary>
    ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken);

    /// <summary>How many dead letters a client type has.</summary>
    ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken);
}

/// <summary>The saved state of a client type.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Cursor">Every event up to here was judged: settled, or among the debts.</param>
/// <param name="Interest">Which event types it takes, and since when; ascending by position.</param>
/// <param name="Debts">Keys with unsettled events up to the cursor.</param>
internal sealed record ClientTypeRecord(string Name, long Cursor, IReadOnlyList<InterestChange> Interest, IReadOnlyList<KeyDebtRecord> Debts)
{
    /// <summary>Dead letters that an operator sent on their way again, and that are not settled yet.</summary>
    public IReadOnlyList<Trouble> Redriven { get; init; } = [];
}

/// <summary>From this position on, the client type takes these event types (null: all).</summary>
internal sealed record InterestChange(long From, IReadOnlyList<string>? EventTypes);

/// <summary>
/// The debt of one key: everything of it from <paramref name="FirstUnacked"/> to the cursor is unsettled, except the ranges acked ahead.
/// </summary>
/// <param name="Key">The sequence key.</param>
/// <param name="FirstUnacked">The position of the oldest unsettled event.</param>
/// <param name="AckedAhead">Ranges of later positions within which everything owed of the key is settled already, ascending.</param>
/// <param name="Troubles">What went wrong with those of its unsettled events that had trouble.</param>
internal sealed record KeyDebtRecord(string Key, long FirstUnacked, IReadOnlyList<PositionRange> AckedAhead, IReadOnlyList<Trouble> Troubles);

/// <summary>How often an unsettled event failed, and how often a session was lost over it.</summary>
internal readonly record struct Trouble(long Position, int Failures, int Losses);

/// <summary>Positions from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct PositionRange(long First, long Last);

/// <summary>What changed about a client type since it was last saved.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Cursor">Its cursor.</param>
internal sealed record ClientTypeChanges(string Name, long Cursor)
{
    /// <summary>Its whole interest if that changed, else null.</summary>
    public IReadOnlyList<InterestChange>? Interest { get; init; }

    /// <summary>The changed debts.</summary>
    public IReadOnlyList<KeyDebtRecord> Debts { get; init; } = [];

    /// <summary>Keys that have no debt any more.</summary>
    public IReadOnlyList<string> SettledKeys { get; init; } = [];

    /// <summary>All that is redriven and not settled if that changed, else null.</summary>
    public IReadOnlyList<Trouble>? Redriven { get; init; }

    /// <summary>What was given up; the debts and redriven events saved with it owe it no more.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters { get; init; } = [];

    /// <summary>The positions of dead letters that are none any more.</summary>
    public IReadOnlyList<long> RemovedDeadLetters { get; init; } = [];

    /// <summary>Everything saved before, but the dead letters, is void.</summary>
    public bool StartsOver { get; init; }
}

/// <summary>An event that its client type gave up.</summary>
/// <param name="ClientType">Who gave it up.</param>
/// <param name="Position">The event.</param>
/// <param name="Reason">Why: the nack's reason, or a code such as <c>max_deliveries</c>.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="TimeMicros">When it was given up, in microseconds since the Unix epoch.</param>
internal sealed record DeadLetter(string ClientType, long Position, string Reason, int Attempts, long TimeMicros);
