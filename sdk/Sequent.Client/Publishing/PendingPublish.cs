using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>What one caller publishes, on its way to its receipts. What changes is guarded by the lock of <see cref="InFlight"/>.</summary>
internal sealed class PendingPublish(NewMessage message, string? logId = null) : TaskCompletionSource<PublishAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Its events, and what else it says about them. If it has a request id, that is used when it goes alone.</summary>
    public NewMessage Message { get; private set; } = message;

    /// <summary>The only log it may be sent to, because it was decided on events of that log. Null: any.</summary>
    public string? LogId { get; } = logId;

    /// <summary>Its caller relies on its ids, so it may not go to a bus that knows none.</summary>
    public bool NeedsIds { get; init; }

    /// <summary>The message it goes out with, once it is its turn.</summary>
    public Sending? Sending { get; set; }

    /// <summary>Its caller no longer waits.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Gives its events the present trace.</summary>
    public void Trace() => Message = Message.WithTrace();

    public void Succeed(PublishAnswer answer) => TrySetResult(answer);

    public void Fail(Exception why)
    {
        if (TrySetException(why))
            _ = Task.Exception; // Its caller may have left, which is no fault.
    }
}

/// <summary>The receipts of one publish.</summary>
/// <param name="Entries">One per event, in order.</param>
/// <param name="WasResent">It was sent more than once, so duplicates may be of this client's own making.</param>
internal readonly record struct PublishAnswer(IReadOnlyList<ReceiptEntry> Entries, bool WasResent);
