using System.Diagnostics;
using Sequent.Protocol;

namespace Sequent.Client.Telemetry;

/// <summary>The trace that goes with an event.</summary>
internal static class TraceContext
{
    /// <summary>Gives every event without a trace the present one, whoever began that. Without one the message stays as it is.</summary>
    public static NewMessage WithTrace(this NewMessage message)
    {
        if (Activity.Current is not { IdFormat: ActivityIdFormat.W3C, Id: { } id } || message.Events.All(e => e.TraceParent is not null))
            return message;
        var state = Activity.Current.TraceStateString is { Length: > 0 and <= WireNames.MaxTraceStateLength } text ? text : null;
        return message with { Events = [.. message.Events.Select(e => e.TraceParent is null ? e with { TraceParent = id, TraceState = state } : e)] };
    }

    /// <summary>Where an event came from; the default if it says nothing, or nothing one can read.</summary>
    public static ActivityContext Of(RecordedEvent e) => ActivityContext.TryParse(e.TraceParent, e.TraceState, isRemote: true, out var context) ? context : default;
}
