using System.Diagnostics;
using Sequent.Bus.Publishing;
using Sequent.Protocol;

namespace Sequent.Bus;

/// <summary>The bus's part in the traces of its clients: one span per message of events, from its arrival to its receipt.</summary>
internal static class BusTrace
{
    private static readonly ActivitySource Source = new(SequentDiagnostics.Name, typeof(BusTrace).Assembly.GetName().Version?.ToString(3));

    /// <summary>Begins a span within the trace of the first event that has one. Null if none has, or nobody listens.</summary>
    public static Activity? Begin(NewMessage message)
    {
        if (!Source.HasListeners() || message.Events.FirstOrDefault(e => e.TraceParent is not null) is not { } traced
            || !ActivityContext.TryParse(traced.TraceParent, traced.TraceState, isRemote: true, out var parent))
            return null;
        return Source.StartActivity($"commit {message.Events[0].EventType}", ActivityKind.Server, parent)?
            .SetTag("messaging.system", "sequent")
            .SetTag("messaging.destination.name", message.Events[0].EventType)
            .SetTag("messaging.batch.message_count", message.Events.Count)
            .SetTag("sequent.key", message.Events[0].Key);
    }

    /// <summary>Ends the span of a request that is answered.</summary>
    public static void End(PublishRequest request, PublishResult result)
    {
        if (request.Span is not { } span)
            return;
        if (result is { Kind: PublishResultKind.Decided, Entries: [var first, ..] })
            span.SetTag("sequent.status", first.Status.ToString().ToLowerInvariant()).SetTag("sequent.position", first.Position);
        else
            span.SetStatus(ActivityStatusCode.Error, result.Kind.ToString());
        span.Dispose();
    }
}
