using System.Diagnostics;
using Sequent.Protocol;

namespace Sequent.Client.Telemetry;

/// <summary>The trace that goes with an event.</summary>
internal static class TraceContext
{
    /// <summary>Gives every event without a trace the present one, whoever began that. Without one the message stays as it is.</summary>
    public static NewMessage WithTrace(this NewMessage message)
    {
        return Activity.Current is { IdFormat: ActivityIdFormat.W3C } present && message.Events.Any(static e => e.TraceParent is null) ? WithTrace(message, present) : message;
    }

    private static NewMessage WithTrace(NewMessage message, Activity present)
    {
        var state = present.TraceStateString is { Length: > 0 and <= WireNames.MaxTraceStateLength } text ? text : null;
        return message with { Events = [.. message.Events.Select(e => e.TraceParent is null ? e with { TraceParent = present.Id, TraceState = state } : e)] };
    }

    /// <summary>Where an event came from; the default if it says nothing, or nothing one can read.</summary>
    public static ActivityContext Of(RecordedEvent e) => ActivityContext.TryParse(e.TraceParent, e.TraceState, isRemote: true, out var context) ? context : default;
}
