using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>One <c>new</c> with what one or several callers publish. What changes is guarded by the lock of <see cref="InFlight"/>.</summary>
internal sealed class Sending
{
    /// <summary>How the request ids of publishes begin; nothing else's do.</summary>
    public const char IdPrefix = 'p';

    private static long _lastId;

    public Sending(long number, string requestId, IReadOnlyList<PendingPublish> members)
    {
        (Number, Members) = (number, members);
        var all = members.Count == 1 ? members[0].Message : new NewMessage(EventsOf(members));
        Message = all.RequestId == requestId ? all : all with { RequestId = requestId };
        for (var i = 0; i < members.Count; i++)
            members[i].Sending = this;
    }

    /// <summary>A request id that no other publish of this process has.</summary>
    public static string NewId() => string.Create(CultureInfo.InvariantCulture, $"{IdPrefix}{Interlocked.Increment(ref _lastId)}");

    /// <summary>The caller of a member no longer waits.</summary>
    public bool HasAbandoned
    {
        get
        {
            for (var i = 0; i < Members.Count; i++)
            {
                if (Members[i].IsAbandoned)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Its place in the order of sending; what is sent again is sent in this order.</summary>
    public long Number { get; }

    public IReadOnlyList<PendingPublish> Members { get; }

    /// <summary>What is sent, each time with the same ids.</summary>
    public NewMessage Message { get; }

    public string? LogId => Members[0].LogId;

    /// <summary>It may have reached the bus.</summary>
    public bool WasSent { get; set; }

    /// <summary>Before the attempt that is under way it may have reached the bus.</summary>
    public bool WasSentBefore { get; set; }

    /// <summary>It was sent again after a lost session, so a duplicate may be this client's own.</summary>
    public bool WasResent { get; set; }

    /// <summary>It may have reached a bus that keeps no ids, so it must not be sent again.</summary>
    public bool WentToOriginal { get; set; }

    /// <summary>The bus answered that nothing of it was stored; it waits to be sent again.</summary>
    public bool IsRefused { get; set; }

    public void Succeed(ReceiptMessage receipt)
    {
        if (Members.Count == 1)
        {
            Members[0].Succeed(new PublishAnswer(receipt.Receipts, WasResent));
            return;
        }

        var next = 0;
        for (var i = 0; i < Members.Count; i++)
        {
            var entries = new ReceiptEntry[Members[i].Message.Events.Count];
            for (var j = 0; j < entries.Length; j++)
                entries[j] = receipt.Receipts[next++];
            Members[i].Succeed(new PublishAnswer(entries, WasResent));
        }
    }

    public void Fail(Func<PendingPublish, Exception> why)
    {
        foreach (var member in Members)
            member.Fail(why(member));
    }

    private static List<NewEvent> EventsOf(IReadOnlyList<PendingPublish> members)
    {
        var events = new List<NewEvent>(members.Count);
        for (var i = 0; i < members.Count; i++)
            events.AddRange(members[i].Message.Events);
        return events;
    }
}
