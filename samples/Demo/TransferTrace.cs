using System.Collections.Concurrent;
using System.Diagnostics;
using Bank.ServiceDefaults;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Spectre.Console;

namespace Demo;

/// <summary>
/// Shows a transfer as the tree of its trace: from the customer's request through Transactions, the bus and Accounts to the money. It sees what runs in this
/// process; what runs elsewhere sends its part to a collector.
/// </summary>
internal sealed class TransferTrace : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly TracerProvider _provider;

    public TransferTrace() => _provider = Sdk.CreateTracerProviderBuilder().AddBankSources().AddProcessor(new Recorder(_ended)).Build();

    /// <summary>Prints the tree of a transfer that is settled.</summary>
    public async Task ShowAsync(long transactionId, CancellationToken cancellationToken)
    {
        var spans = await ReadAsync($"tx-{transactionId}", cancellationToken);
        var children = spans.ToLookup(s => s.ParentSpanId);
        var known = spans.Select(s => s.SpanId).ToHashSet();
        foreach (var root in spans.Where(s => !known.Contains(s.ParentSpanId)).OrderBy(s => s.StartTimeUtc))
        {
            var tree = new Tree(Line(root, root));
            Add(tree, root, root, children);
            AnsiConsole.MarkupLineInterpolated($"Transfer {transactionId} as one trace [grey](start and duration in ms)[/]");
            AnsiConsole.Write(tree);
        }
    }

    public void Dispose() => _provider.Dispose();

    /// <summary>A span is known once it has ended, and the handler's ends a little after what it decided can be seen.</summary>
    private async Task<Activity[]> ReadAsync(string key, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            var trace = _ended.FirstOrDefault(s => s.DisplayName.StartsWith("publish Pending", StringComparison.Ordinal) && Equals(s.GetTagItem("sequent.key"), key))?.TraceId;
            var spans = _ended.Where(s => s.TraceId == trace).ToArray();
            if (waited >= Patience || spans.Any(s => s.DisplayName.StartsWith("process ", StringComparison.Ordinal)))
                return spans;
            await Task.Delay(Pause, cancellationToken);
        }
    }

    private static void Add(IHasTreeNodes node, Activity span, Activity root, ILookup<ActivitySpanId, Activity> children)
    {
        foreach (var child in children[span.SpanId].OrderBy(s => s.StartTimeUtc))
            Add(node.AddNode(Line(child, root)), child, root, children);
    }

    private static string Line(Activity span, Activity root)
    {
        var who = span.GetTagItem("messaging.consumer.group.name") is { } clientType ? $" by {clientType}" : "";
        var key = span.GetTagItem("sequent.key") is { } name ? $" [grey]{Markup.Escape($"{name}")}[/]" : "";
        return FormattableString.Invariant($"{Markup.Escape(span.DisplayName)}{who}{key} [blue]{(span.StartTimeUtc - root.StartTimeUtc).TotalMilliseconds:0.0} + {span.Duration.TotalMilliseconds:0.0}[/]");
    }

    private sealed class Recorder(ConcurrentQueue<Activity> ended) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => ended.Enqueue(data);
    }
}
