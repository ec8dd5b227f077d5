using Sequent.Bus.Delivering;

namespace Sequent.Bus.Reading;

/// <summary>What a query asks for, resolved against the log: positions instead of times, limits filled in.</summary>
/// <param name="Types">The event types wanted.</param>
/// <param name="After">Only events after this position.</param>
/// <param name="Until">Only events up to this position.</param>
/// <param name="PageSize">The most events in one page.</param>
internal sealed record Selection(TypeFilter Types, long After, long Until, int PageSize)
{
    /// <summary>Only events of these keys; null: all.</summary>
    public IReadOnlySet<string>? Keys { get; init; }

    /// <summary>Only events with these ids; null: all.</summary>
    public IReadOnlyList<Guid>? EventIds { get; init; }

    /// <summary>Only events with this correlation id; null: all.</summary>
    public uint? CorrelationId { get; init; }

    /// <summary>At most this many events.</summary>
    public long Limit { get; init; } = long.MaxValue;

    /// <summary>The latest first.</summary>
    public bool Descending { get; init; }

    public bool Takes(Storage.StoredEvent e) =>
        Types.Takes(e.EventType) && (Keys is null || Keys.Contains(e.Key)) && (CorrelationId is null || CorrelationId == e.CorrelationId);

    /// <summary>What is left once everything up to a position was read.</summary>
    public Selection Beyond(long position) => Descending ? this with { Until = position - 1 } : this with { After = position };
}

/// <summary>A part of an answer.</summary>
/// <param name="Events">The events, in log order, or the latest first.</param>
/// <param name="Position">The log was read up to here.</param>
/// <param name="Last">Nothing follows.</param>
internal readonly record struct Page(IList<Storage.StoredEvent> Events, long Position, bool Last);
