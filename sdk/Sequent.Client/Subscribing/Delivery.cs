using Sequent.Client.Subscribing;
using Sequent.Protocol;

namespace Sequent.Client;

/// <summary>One attempt of the bus to hand one event to this instance. It has to be acked or nacked.</summary>
public sealed class Delivery
{
    // Without a timer or handle, so there is nothing to dispose of.
    private readonly CancellationTokenSource _revoked;
    private readonly SessionDeliveries _session;

    internal Delivery(DeliveredEvent delivered, RecordedEvent e, SessionDeliveries session, CancellationTokenSource revoked)
    {
        (Event, Number, Attempt, Redelivered) = (e, delivered.Delivery, delivered.Attempt, delivered.Redelivered);
        (_session, _revoked, Revoked) = (session, revoked, revoked.Token);
    }

    /// <summary>The event.</summary>
    public RecordedEvent Event { get; }

    /// <summary>Failures so far, plus one. Lost connections do not count.</summary>
    public int Attempt { get; }

    /// <summary>True unless the bus knows that nobody had the event before.</summary>
    public bool Redelivered { get; }

    /// <summary>Cancelled when the delivery is no longer this instance's: nacked, revoked by the bus, or its connection is lost. It will come again.</summary>
    public CancellationToken Revoked { get; }

    /// <summary>Gives the event up for good: it goes to the dead letters, where an operator can look at it and send it on its way again, and its key goes on.</summary>
    /// <param name="reason">Why, for people; it is kept with the dead letter, the first 1,024 characters of it. Put no event data into it.</param>
    /// <param name="cancellationToken">If cancelled already, nothing happens.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the delivery is as it was.</exception>
    public ValueTask DeadLetterAsync(string reason, CancellationToken cancellationToken = default) =>
        NackAsync(new NackOptions { Reason = reason, DeadLetter = true }, cancellationToken);

    /// <summary>
    /// Tells the bus that the work goes on, where its operator has set an ack deadline; elsewhere it has no effect. Returns when the message is on its
    /// way. Does nothing once settled or revoked.
    /// </summary>
    /// <param name="time">How much longer, counted from now, at most one hour.</param>
    /// <param name="cancellationToken">Ends the waiting for the socket.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is less than a millisecond or more than an hour.</exception>
    public ValueTask ExtendAsync(TimeSpan time, CancellationToken cancellationToken = default)
    {
        if (time.TotalMilliseconds is < 1 or > WireNames.MaxExtensionMs)
            throw new ArgumentOutOfRangeException(nameof(time), time, "The time must be between 1 ms and 1 hour.");
        return _session.ExtendAsync(this, (long)time.TotalMilliseconds, cancellationToken);
    }

    /// <summary>Somebody was handed it, and has not to be disturbed until it is settled.</summary>
    internal bool IsTaken { get; set; }

    /// <summary>Its number within its session, which acks and nacks name.</summary>
    internal long Number { get; }

    /// <summary>It came from a bus that speaks the original protocol only.</summary>
    internal bool IsOriginal => _session.IsOriginal;

    /// <summary>The log it is of.</summary>
    internal string LogId => _session.LogId;

    /// <summary>The event is dealt with. Returns when the ack is on its way; the bus gives no answer. Does nothing once settled or revoked.</summary>
    /// <param name="cancellationToken">If cancelled already, nothing happens.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the delivery is as it was.</exception>
    public ValueTask AckAsync(CancellationToken cancellationToken = default)
    {
        _session.Ack(this, cancellationToken);
        return default;
    }

    /// <summary>
    /// Gives the event back. It and the later ones of its key that are not acked are revoked at once and come again in order. Does nothing
    /// once settled or revoked.
    /// </summary>
    /// <param name="options">When it should come again, and why.</param>
    /// <param name="cancellationToken">If cancelled already, nothing happens.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the delivery is as it was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative or longer than an hour.</exception>
    public ValueTask NackAsync(NackOptions? options = null, CancellationToken cancellationToken = default)
    {
        var delay = options?.Delay;
        if (delay is { TotalMilliseconds: < 0 or > WireNames.MaxNackDelayMs })
            throw new ArgumentOutOfRangeException(nameof(options), delay, "Delay must be between 0 and 1 hour.");
        var message = new NackMessage(Number) { DelayMs = (long?)delay?.TotalMilliseconds, Reason = Shorten(options?.Reason), DeadLetter = options?.DeadLetter ?? false };
        return _session.NackAsync(this, message, cancellationToken);
    }

    /// <summary>Not on the caller's thread: what others registered must not hold up the connection.</summary>
    internal void Revoke() => _revoked.CancelAsync().ContinueWith(
        static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>The bus keeps no more of it, and a message that is too long would be refused, nack and all. A pair of surrogates stays whole.</summary>
    private static string? Shorten(string? reason) => reason is not { Length: > WireNames.MaxReasonLength } ? reason
        : reason[..(char.IsHighSurrogate(reason[WireNames.MaxReasonLength - 1]) ? WireNames.MaxReasonLength - 1 : WireNames.MaxReasonLength)];
}
