using System.Diagnostics;
using Sequent.Protocol;

namespace Sequent.Client.Telemetry;

/// <summary>Begins the operations of one client. To be asked only if somebody listens (<see cref="Instruments.IsSilent"/>).</summary>
internal sealed class ClientTelemetry(Uri server)
{
    /// <summary>A page of a projection names so many of the traces its events came from.</summary>
    private const int MaxLinks = 32;

    private readonly KeyValuePair<string, object?> _address = new(Tags.ServerAddress, server.Host);
    private readonly KeyValuePair<string, object?> _port = new(Tags.ServerPort, server.Port);

    public Operation Publish(NewMessage message)
    {
        var first = message.Events[0];
        var tags = TagsOf("publish", "send");
        tags.Add(Tags.Destination, first.EventType);
        var activity = Instruments.Source.StartActivity($"publish {first.EventType}", ActivityKind.Producer, default(ActivityContext), tags);
        if (message.Events.Count > 1)
            activity?.SetTag(Tags.BatchCount, message.Events.Count);
        activity?.SetTag(Tags.Key, first.Key).SetTag(Tags.MessageId, first.EventId?.ToString());
        return new Operation(activity, Instruments.OperationDuration, tags);
    }

    /// <summary>What became of the events of a publish; the first one that was not stored tells why. A conflict is an answer, no error.</summary>
    public void Published(Operation operation, NewMessage message, IReadOnlyList<ReceiptEntry> entries)
    {
        if (entries.Count == 0)
            return;
        for (var i = 0; i < entries.Count && Instruments.Sent.Enabled; i++)
        {
            var tags = TagsOf("publish", "send");
            tags.Add(Tags.Destination, message.Events[i].EventType);
            tags.Add(Tags.Status, StatusOf(entries[i]));
            Instruments.Sent.Add(1, tags);
        }

        var telling = entries.FirstOrDefault(e => e.Status is ReceiptStatus.Inconsistent or ReceiptStatus.Rejected && e.Reason != RejectReasons.AtomicBatchFailed) ?? entries[0];
        operation.Activity?.SetTag(Tags.Status, StatusOf(telling)).SetTag(Tags.Position, entries[0].Position).SetTag(Tags.Value, entries[0].Value);
        if (telling.Status == ReceiptStatus.Rejected && telling.Reason != RejectReasons.ExpectFailed)
            operation.Fail(StatusOf(telling));
    }

    public Operation Query(QueryMessage query)
    {
        var tags = TagsOf("query", "receive");
        var activity = Instruments.Source.StartActivity("query", ActivityKind.Client, default(ActivityContext), tags);
        if (query.Keys is [var key])
            activity?.SetTag(Tags.Key, key);
        return new Operation(activity, Instruments.OperationDuration, tags);
    }

    /// <summary>One delivery in the hands of a handler, within the trace that published its event.</summary>
    public Operation Process(Delivery delivery, string clientType)
    {
        var e = delivery.Event;
        var tags = TagsOf("process", "process");
        tags.Add(Tags.Destination, e.EventType);
        tags.Add(Tags.ClientType, clientType);
        Instruments.Consumed.Add(1, tags);
        var activity = Instruments.Source.StartActivity($"process {e.EventType}", ActivityKind.Consumer, TraceContext.Of(e), tags);
        activity?.SetTag(Tags.Key, e.Key).SetTag(Tags.Value, e.Value).SetTag(Tags.Position, e.Position).SetTag(Tags.MessageId, e.EventId?.ToString()).SetTag(Tags.Attempt, delivery.Attempt);
        return new Operation(activity, Instruments.ProcessDuration, tags);
    }

    /// <summary>One page in the hands of a projection: its events come from many traces, so it has one of its own that names them.</summary>
    public Operation Process(EventPage page, string projection)
    {
        var tags = TagsOf("process", "process");
        tags.Add(Tags.Projection, projection);
        var links = Instruments.Source.HasListeners()
            ? page.Events.Select(TraceContext.Of).Where(c => c != default).Distinct().Take(MaxLinks).Select(c => new ActivityLink(c)).ToArray()
            : [];
        var activity = Instruments.Source.StartActivity($"process {projection}", ActivityKind.Consumer, default(ActivityContext), tags, links);
        activity?.SetTag(Tags.BatchCount, page.Events.Count).SetTag(Tags.Position, page.Position);
        return new Operation(activity, Instruments.ProcessDuration, tags);
    }

    public Operation Unit()
    {
        var tags = new TagList { { Tags.System, Tags.SystemName }, _address, _port };
        return new Operation(Instruments.Source.StartActivity("unit", ActivityKind.Internal, default(ActivityContext), tags), Instruments.UnitDuration, tags);
    }

    /// <summary>A unit is committed, or needed no commit.</summary>
    public static void Decided(Operation unit, UpdateResult result) => unit.Activity?.SetTag(Tags.Attempt, result.Attempts);

    /// <summary>A run of a unit has met a conflict.</summary>
    public void Conflict() => Instruments.UnitConflicts.Add(1, _address, _port);

    private TagList TagsOf(string operation, string type) => new()
    {
        { Tags.System, Tags.SystemName },
        { Tags.OperationName, operation },
        { Tags.OperationType, type },
        _address,
        _port,
    };

    private static string StatusOf(ReceiptEntry entry) => entry.Reason ?? entry.Status switch
    {
        ReceiptStatus.Success => "success",
        ReceiptStatus.Duplicate => "duplicate",
        ReceiptStatus.Inconsistent => "inconsistent",
        _ => "rejected",
    };
}
