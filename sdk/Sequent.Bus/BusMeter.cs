using System.Diagnostics.Metrics;
using Sequent.Protocol;

namespace Sequent.Bus;

/// <summary>What the bus counts, under the meter <see cref="SequentDiagnostics.Name"/>.</summary>
internal static class BusMeter
{
    private static readonly Meter Meter = New();

    public static Counter<long> Published { get; } = Meter.CreateCounter<long>("sequent.bus.published", "{event}", "Events that were published, by what they were answered.");

    public static Histogram<double> CommitDuration { get; } = Meter.CreateHistogram<double>("sequent.bus.commit.duration", "s", "How long a commit took until it was durable.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] });

    public static Histogram<long> CommitEvents { get; } = Meter.CreateHistogram<long>("sequent.bus.commit.events", "{event}", "How many events a commit had.", advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000] });

    public static UpDownCounter<long> Sessions { get; } = Meter.CreateUpDownCounter<long>("sequent.bus.sessions", "{session}", "Open sessions, by protocol.");

    public static Counter<long> DeadLetters { get; } = Meter.CreateCounter<long>("sequent.bus.dead_letters", "{event}", "Events that client types gave up.");

    public static Counter<long> CountedAsAcked { get; } =
        Meter.CreateCounter<long>("sequent.bus.counted_as_acked", "{event}", "Events held by sessions that never ack, which counted as acked because there were too many.");

    public static Counter<long> WaitsForKeys { get; } =
        Meter.CreateCounter<long>("sequent.bus.cursor_waits", "{wait}", "Times a client type had to wait because too many keys had something unsettled.");

    public static Counter<long> ErrorsNotTold { get; } =
        Meter.CreateCounter<long>("sequent.bus.errors_not_told", "{message}", "Faulty messages of v1 sessions that were not answered because there were too many.");

    /// <summary>For instruments that look at one bus; whoever made it disposes of it.</summary>
    public static Meter New() => new(SequentDiagnostics.Name, typeof(BusMeter).Assembly.GetName().Version?.ToString(3));

    /// <summary>Counts the receipts of a commit, by status.</summary>
    public static void CountReceipts(List<IReadOnlyList<ReceiptEntry>> receipts)
    {
        if (!Published.Enabled)
            return;
        Span<long> counts = stackalloc long[4];
        foreach (var entries in receipts)
        {
            foreach (var entry in entries)
                counts[(int)entry.Status]++;
        }

        for (var status = 0; status < counts.Length; status++)
        {
            if (counts[status] > 0)
                Published.Add(counts[status], new KeyValuePair<string, object?>("sequent.status", NameOf((ReceiptStatus)status)));
        }
    }

    private static string NameOf(ReceiptStatus status) => status switch
    {
        ReceiptStatus.Success => "success",
        ReceiptStatus.Inconsistent => "inconsistent",
        ReceiptStatus.Duplicate => "duplicate",
        _ => "rejected",
    };
}
