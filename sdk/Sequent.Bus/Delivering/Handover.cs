namespace Sequent.Bus.Delivering;

/// <summary>One delivery: the event at a position goes to a session under a number.</summary>
/// <param name="Delivery">1, 2, 3, … per session.</param>
/// <param name="Position">The event. Its body is fetched when the socket can take it.</param>
/// <param name="Attempt">Failures so far, plus one.</param>
/// <param name="Redelivered">True unless nobody had the event before.</param>
/// <param name="Redriven">A dead letter on its way again, out of order.</param>
internal readonly record struct Handover(long Delivery, long Position, int Attempt, bool Redelivered, bool Redriven);

/// <summary>Where a session takes what a queue decides for it. Must not block.</summary>
internal interface IDeliveryOutbox
{
    void Deliver(Handover handover);

    void Revoke(IReadOnlyList<long> deliveries);
}
