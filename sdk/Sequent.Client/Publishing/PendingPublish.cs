using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>One message on its way to its receipt. Everything that changes is guarded by the lock of <see cref="Publisher"/>.</summary>
internal sealed class PendingPublish(NewMessage message, string? logId)
{
    private readonly TaskCompletionSource<PublishAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is sent, each time with the same ids.</summary>
    public NewMessage Message { get; private set; } = message;

    /// <summary>The only log it may be sent to, because it was decided on events of that log. Null: any.</summary>
    public string? LogId { get; } = logId;

    /// <summary>Its place in the order of sending; what is sent again is sent in this order.</summary>
    public long Number { get; private set; }

    /// <summary>It may have reached the bus.</summary>
    public bool WasSent { get; set; }

    /// <summary>It was sent again after a lost session, so a duplicate may be this client's own.</summary>
    public bool WasResent { get; set; }

    /// <summary>The bus could not store it; it pauses before it is sent again.</summary>
    public bool IsBackingOff { get; set; }

    /// <summary>Its caller no longer waits.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>How often the bus could not store it.</summary>
    public int Failures { get; set; }

    public Task<PublishAnswer> Answer => _answer.Task;

    public void Enter(long number, string requestId) => (Number, Message) = (number, Message with { RequestId = requestId });

    public void Succeed(PublishAnswer answer) => _answer.TrySetResult(answer);

    public void Fail(Exception why)
    {
        if (_answer.TrySetException(why))
            _ = _answer.Task.Exception; // Its caller may have left, which is no fault.
    }
}

/// <summary>The receipts of one message.</summary>
/// <param name="Entries">One per event, in order.</param>
/// <param name="WasResent">The message was sent more than once, so duplicates may be of this client's own making.</param>
internal readonly record struct PublishAnswer(IReadOnlyList<ReceiptEntry> Entries, bool WasResent);
