using System.Collections.Concurrent;
using System.Diagnostics;
using Bank.ServiceDefaults;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Bank.Tests;

/// <summary>A transfer is one trace, from the request to the money, through Transactions, the bus and Accounts.</summary>
public class TraceTests(Storage storage) : BankTests(storage)
{
    private static readonly string[] Names = ["POST /transactions/", "POST /sessions/validate", "publish PendingTransaction", "commit PendingTransaction", "process PendingTransaction", "commit AcceptedTransaction"];

    [Test]
    public async Task A_transfer_is_one_tree_from_the_request_to_the_money()
    {
        using var payer = await Bank.NewCustomerAsync();
        var from = await payer.OpenAccountAsync("50.00");
        var to = await payer.OpenAccountAsync();
        var exported = new SynchronizedCollection();
        using var provider = Sdk.CreateTracerProviderBuilder().AddBankSources().AddInMemoryExporter(exported).Build();
        var transfer = await payer.TransferAsync(from, to, "20.00");
        var spans = await Eventually.ReadAsync(
            () => Task.FromResult(exported.TraceOf("publish PendingTransaction", $"tx-{transfer["transaction_id"]}")),
            trace => Names.All(name => trace.Any(s => s.DisplayName == name)) && trace.Any(s => s.ParentSpanId == default));

        var tree = new Tree(spans);
        Assert.That(tree.Roots.Select(s => (s.DisplayName, s.Kind)), Is.EqualTo(new[] { ("POST", ActivityKind.Client) }), "everything hangs on the customer's request");
        Assert.That(tree.PathTo("POST /sessions/validate"), Is.EqualTo(new[] { "POST", "POST /transactions/", "POST", "POST /sessions/validate" }), "Users");
        var published = new[] { "POST", "POST /transactions/", "publish PendingTransaction" };
        Assert.That(tree.PathTo("publish PendingTransaction"), Is.EqualTo(published), "Transactions");
        Assert.That(tree.PathTo("commit PendingTransaction"), Is.EqualTo(published.Append("commit PendingTransaction")), "the bus");
        Assert.That(tree.PathTo("process PendingTransaction"), Is.EqualTo(published.Append("process PendingTransaction")), "Accounts");
        Assert.That(tree.Span("process PendingTransaction").GetTagItem("messaging.consumer.group.name"), Is.EqualTo("accounts"));
        var decided = published.Concat(["process PendingTransaction", "unit", "publish AcceptedTransaction", "commit AcceptedTransaction"]);
        Assert.That(tree.PathTo("commit AcceptedTransaction"), Is.EqualTo(decided), "the decision and the money, in one batch");
        Assert.That(tree.Span("publish AcceptedTransaction").GetTagItem("messaging.batch.message_count"), Is.EqualTo(3));
        Assert.That(spans.Where(s => s.Status == ActivityStatusCode.Error), Is.Empty);
    }

    /// <summary>The spans of one trace, by the names on the way to them.</summary>
    private sealed class Tree(IReadOnlyList<Activity> spans)
    {
        private readonly Dictionary<ActivitySpanId, Activity> _byId = spans.ToDictionary(s => s.SpanId);

        public IEnumerable<Activity> Roots => spans.Where(s => !_byId.ContainsKey(s.ParentSpanId));

        public Activity Span(string name) => spans.Single(s => s.DisplayName == name);

        public List<string> PathTo(string name)
        {
            var path = new List<string>();
            for (var span = Span(name); span is not null; span = _byId.GetValueOrDefault(span.ParentSpanId))
                path.Insert(0, span.DisplayName);
            return path;
        }
    }

    /// <summary>Spans end on many threads.</summary>
    private sealed class SynchronizedCollection : ICollection<Activity>
    {
        private readonly ConcurrentQueue<Activity> _spans = [];

        public int Count => _spans.Count;

        public bool IsReadOnly => false;

        /// <summary>The trace that the span of a name and a key belongs to, as far as it has ended.</summary>
        public IReadOnlyList<Activity> TraceOf(string name, string key) =>
            [.. _spans.Where(s => s.TraceId == _spans.FirstOrDefault(n => n.DisplayName == name && Equals(n.GetTagItem("sequent.key"), key))?.TraceId)];

        public void Add(Activity item) => _spans.Enqueue(item);

        public IEnumerator<Activity> GetEnumerator() => _spans.GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

        public void Clear() => _spans.Clear();

        public bool Contains(Activity item) => _spans.Contains(item);

        public void CopyTo(Activity[] array, int arrayIndex) => _spans.CopyTo(array, arrayIndex);

        public bool Remove(Activity item) => throw new NotSupportedException();
    }
}
