namespace Sequent.Client;

/// <summary>One attempt of the bus to hand one event to this instance. It has to be acked or nacked.</summary>
public sealed class Delivery
{
    /// <summary>The event.</summary>
    public required RecordedEvent Event { get; init; }

    /// <summary>Failures so far, plus one. Lost connections do not count.</summary>
    public int Attempt { get; init; }

    /// <summary>True unless the bus knows that nobody had the event before.</summary>
    public bool Redelivered { get; init; }

    /// <summary>Cancelled when the delivery is no longer this instance's: nacked, revoked by the bus, or its connection is lost. It will come again.</summary>
    public CancellationToken Revoked { get; }

    /// <summary>The event is dealt with. Returns when the ack is on its way; the bus gives no answer. Does nothing once settled or revoked.</summary>
    public ValueTask AckAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>
    /// Gives the event back. It and the later ones of its key that are not acked are revoked at once and come again in order. Does nothing
    /// once settled or revoked.
    /// </summary>
    public ValueTask NackAsync(NackOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();
}
