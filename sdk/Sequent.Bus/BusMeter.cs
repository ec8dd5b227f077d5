using System.Diagnostics.Metrics;

namespace Sequent.Bus;

/// <summary>What the bus counts, under the meter <c>Sequent.Bus</c>.</summary>
internal static class BusMeter
{
    private static readonly Meter Meter = new("Sequent.Bus");

    public static Counter<long> DeadLetters { get; } = Meter.CreateCounter<long>("sequent.bus.dead_letters", "{event}", "Events that client types gave up.");

    public static Counter<long> CountedAsAcked { get; } =
        Meter.CreateCounter<long>("sequent.bus.counted_as_acked", "{event}", "Events held by sessions that never ack, which counted as acked because there were too many.");

    public static Counter<long> WaitsForKeys { get; } =
        Meter.CreateCounter<long>("sequent.bus.cursor_waits", "{wait}", "Times a client type had to wait because too many keys had something unsettled.");

    public static Counter<long> ErrorsNotTold { get; } =
        Meter.CreateCounter<long>("sequent.bus.errors_not_told", "{message}", "Faulty messages of v1 sessions that were not answered because there were too many.");
}
