using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client;

/// <summary>Which past events to read. Everything that is null does not restrict.</summary>
public sealed record EventQuery
{
    /// <summary>Only events of these types, by their names on the wire.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>Only events later than this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only events after this position, exclusive.</summary>
    public long? After { get; init; }

    /// <summary>The log that the positions belong to. If the bus has another one, the query fails with <c>log_changed</c>.</summary>
    public string? LogId { get; init; }

    /// <summary>Only events up to this position, inclusive. A follow ends there.</summary>
    public long? Until { get; init; }

    /// <summary>Only events of these keys; several keys are one snapshot, unless the connection is lost meanwhile.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>Only events with these ids. Cannot be combined with <see cref="Keys"/> or a follow.</summary>
    public IReadOnlyList<Guid>? EventIds { get; init; }

    /// <summary>At most this many events. A follow has no limit.</summary>
    public long? Limit { get; init; }

    /// <summary>Only events with this correlation id.</summary>
    public uint? CorrelationId { get; init; }

    /// <summary>The latest first. A follow goes forward.</summary>
    public bool Descending { get; init; }

    internal QueryMessage ToMessage(bool follow) => new()
    {
        EventTypes = Types,
        Since = Since,
        LogId = LogId,
        After = After,
        Until = Until,
        Keys = Keys is null ? null : [.. Keys.Select(WireText.Require)],
        EventIds = EventIds,
        Limit = Limit,
        CorrelationId = CorrelationId,
        Descending = Descending,
        Follow = follow,
    };
}
