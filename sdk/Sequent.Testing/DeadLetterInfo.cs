using Sequent.Client;

namespace Sequent.Testing;

/// <summary>An event that a client type gave up.</summary>
/// <param name="Event">The event.</param>
/// <param name="Reason">Why: of a handler that threw the name of the exception's type, else the nack's reason or a code such as <c>max_deliveries</c>.</param>
/// <param name="Attempts">How often it failed.</param>
/// <param name="Time">When it was given up, by the clock of the bus, UTC.</param>
public sealed record DeadLetterInfo(RecordedEvent Event, string Reason, int Attempts, DateTimeOffset Time)
{
    /// <summary>The place of the event in the log.</summary>
    public long Position => Event.Position;
}
