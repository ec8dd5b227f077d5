namespace Sequent.Bus.Delivering;

/// <summary>What a queue needs to know of an event.</summary>
internal readonly record struct EventHeader(long Position, string Key, uint Value, string EventType);

/// <summary>One delivery: the event at a position goes to a session under a number.</summary>
/// <param name="Delivery">1, 2, 3, … per session.</param>
/// <param name="Position">The event. Its body is fetched when the socket can take it.</param>
/// <param name="Attempt">Failures so far, plus one.</param>
/// <param name="Redelivered">True unless nobody had the event before.</param>
internal readonly record struct Handover(long Delivery, long Position, int Attempt, bool Redelivered);

/// <summary>Where a session takes what a queue decides for it. Must not block.</summary>
internal interface IDeliveryOutbox
{
    void Deliver(Handover handover);

    void Revoke(IReadOnlyList<long> deliveries);
}
