namespace Sequent.Bus.Storage;

/// <summary>What must survive a restart about client types: how far they are, what they owe, what they gave up.</summary>
internal interface IDeliveryStore
{
    /// <summary>Every client type as last saved.</summary>
    ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Saves the changes of one client type, all or none, durably.</summary>
    /// <exception cref="StoreException">Nothing was saved.</exception>
    ValueTask SaveAsync(ClientTypeChanges changes, CancellationToken cancellationToken);

    /// <summary>Puts an event among the dead letters of its client type, durably.</summary>
    /// <exception cref="StoreException">Nothing was saved.</exception>
    ValueTask AddDeadLetterAsync(DeadLetter deadLetter, CancellationToken cancellationToken);
}

/// <summary>The saved state of a client type.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Cursor">Every event up to here was judged: settled, or among the debts.</param>
/// <param name="Interest">Which event types it takes, and since when; ascending by position.</param>
/// <param name="Debts">Keys with unsettled events up to the cursor.</param>
internal sealed record ClientTypeRecord(string Name, long Cursor, IReadOnlyList<InterestChange> Interest, IReadOnlyList<KeyDebtRecord> Debts);

/// <summary>From this position on, the client type takes these event types (null: all).</summary>
internal sealed record InterestChange(long From, IReadOnlyList<string>? EventTypes);

/// <summary>
/// The debt of one key: everything of it from <paramref name="FirstUnacked"/> to the cursor is unsettled, except the ranges acked ahead.
/// </summary>
/// <param name="Key">The sequence key.</param>
/// <param name="FirstUnacked">The position of the oldest unsettled event.</param>
/// <param name="AckedAhead">Ranges of later positions within which everything owed of the key is settled already, ascending.</param>
/// <param name="Failures">Positions with the number of times they failed, where that is not zero.</param>
internal sealed record KeyDebtRecord(string Key, long FirstUnacked, IReadOnlyList<PositionRange> AckedAhead, IReadOnlyList<KeyValuePair<long, int>> Failures);

/// <summary>Positions from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct PositionRange(long First, long Last);

/// <summary>What changed about a client type since it was last saved.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Cursor">Its cursor.</param>
/// <param name="Interest">Its whole interest if that changed, else null.</param>
/// <param name="Debts">The changed debts.</param>
/// <param name="SettledKeys">Keys that have no debt any more.</param>
internal sealed record ClientTypeChanges(
    string Name,
    long Cursor,
    IReadOnlyList<InterestChange>? Interest,
    IReadOnlyList<KeyDebtRecord> Debts,
    IReadOnlyList<string> SettledKeys);

/// <summary>An event that its client type gave up.</summary>
/// <param name="ClientType">Who gave it up.</param>
/// <param name="Position">The event.</param>
/// <param name="Reason">Why: the nack's reason, or a code such as <c>max_deliveries</c>.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="TimeMicros">When it was given up, in microseconds since the Unix epoch.</param>
internal sealed record DeadLetter(string ClientType, long Position, string Reason, int Attempts, long TimeMicros);
