using System.Threading.Channels;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>
/// What was taken to be sent and has no receipt yet, in its order, and how much of it there may be. Whatever a caller is told about a publish is
/// decided here, under one lock: that it was not sent holds for ever.
/// </summary>
/// <param name="maxPublishes">So many publishes may be in flight.</param>
/// <param name="freed">Is told when there is room again.</param>
internal sealed class InFlight(int maxPublishes, Action freed)
{
    /// <summary>So many go together at most: while they are on their way, and stored, there is room for others to be written.</summary>
    private readonly int _maxTogether = Math.Max(1, maxPublishes / 8);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Sending> _sendings = new(StringComparer.Ordinal);
    private int _free = maxPublishes;
    private long _number;

    public bool HasAny
    {
        get
        {
            lock (_lock)
                return _sendings.Count > 0;
        }
    }

    /// <summary>One more publish may be taken.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
                return _free > 0;
        }
    }

    /// <summary>Takes the next publish, together with those behind it that may go with it. Null if nobody waits for it any more.</summary>
    public Sending? Take(ChannelReader<PendingPublish> waiting, BusLimits limits)
    {
        lock (_lock)
        {
            if (!waiting.TryRead(out var first) || first.IsAbandoned)
                return null;
            if (!waiting.TryPeek(out _))
            {
                _free--;
                return Add([first]);
            }

            var group = new Group(limits, first);
            while (group.TakesMore && group.Members.Count < Math.Min(_free, _maxTogether) && waiting.TryPeek(out var next) && group.Takes(next) && waiting.TryRead(out _))
            {
                if (!next.IsAbandoned)
                    group.Add(next);
            }

            _free -= group.Members.Count;
            return Add(group.Members);
        }
    }

    /// <summary>Everything, or what is to be sent again, in the order of sending.</summary>
    public IReadOnlyList<Sending> InOrder(bool onlyRefused)
    {
        lock (_lock)
            return [.. _sendings.Values.Where(s => s.IsRefused || !onlyRefused).OrderBy(s => s.Number)];
    }

    /// <summary>
    /// It is about to be sent. Whoever was told that nothing of theirs was sent does not go with it; null: nobody is left. It counts as sent from here on,
    /// because its answer may come before anything else is known of it.
    /// </summary>
    public Sending? Begin(Sending sending, bool toOriginal)
    {
        lock (_lock)
        {
            var requestId = sending.Message.RequestId!;
            if (_sendings.GetValueOrDefault(requestId) != sending)
                return null;
            if (!sending.WasSent && sending.HasAbandoned)
            {
                PendingPublish[] left = [.. sending.Members.Where(m => !m.IsAbandoned)];
                Free(sending.Members.Count - left.Length);
                sending = _sendings[requestId] = new Sending(sending.Number, requestId, left) { WasResent = sending.WasResent };
            }

            (sending.WasSentBefore, sending.WasResent) = (sending.WasSent, sending.WasResent || sending.WasSent);
            (sending.WasSent, sending.IsRefused, sending.WentToOriginal) = (true, false, toOriginal);
            return sending;
        }
    }

    /// <summary>It did not even leave this client.</summary>
    public void Undo(Sending sending)
    {
        lock (_lock)
            sending.WasSent = sending.WasSentBefore;
    }

    /// <summary>It has its answer.</summary>
    public Sending? Remove(string requestId)
    {
        lock (_lock)
        {
            if (!_sendings.Remove(requestId, out var sending))
                return null;
            Free(sending.Members.Count);
            return sending;
        }
    }

    /// <summary>
    /// The bus refused it. For a while: nothing of it was stored by this attempt, and it is sent again. For good: if it is of several callers, one of them is at
    /// fault, and each is sent again on its own; a single one is removed and returned.
    /// </summary>
    public Sending? Refuse(string requestId, bool forAWhile)
    {
        lock (_lock)
        {
            if (!_sendings.TryGetValue(requestId, out var sending))
                return null;
            if (forAWhile)
            {
                // What an earlier attempt did is as unknown as before.
                (sending.IsRefused, sending.WasSent) = (true, sending.WasResent);
                return null;
            }

            if (sending.Members.Count == 1)
                return Remove(requestId);
            _sendings.Remove(requestId);
            Free(sending.Members.Count(m => m.IsAbandoned));
            foreach (var member in sending.Members.Where(m => !m.IsAbandoned))
            {
                // What an earlier attempt did is as unknown as before.
                var alone = Add([member]);
                (alone.IsRefused, alone.WasSent, alone.WasResent) = (true, sending.WasResent, sending.WasResent);
            }

            return null;
        }
    }

    /// <summary>Its caller no longer waits. Returns whether it may have reached the bus.</summary>
    public bool Abandon(PendingPublish pending)
    {
        lock (_lock)
        {
            pending.IsAbandoned = true;
            if (pending.Sending is not { } sending)
                return false;
            if (sending.Members.All(m => m.IsAbandoned))
                Remove(sending.Message.RequestId!);
            return sending.WasSent;
        }
    }

    /// <summary>Whether it may have reached the bus, and whether that was one that keeps no ids.</summary>
    public (bool WasSent, bool ToOriginal) WasSent(PendingPublish pending)
    {
        lock (_lock)
            return pending.Sending is { WasSent: true } sending ? (true, sending.WentToOriginal) : default;
    }

    /// <summary>Removes what may have reached the bus.</summary>
    public IReadOnlyList<Sending> RemoveSent()
    {
        lock (_lock)
            return [.. _sendings.Values.Where(s => s.WasSent).OrderBy(s => s.Number).ToArray().Select(s => Remove(s.Message.RequestId!)!)];
    }

    /// <summary>Removes everything.</summary>
    public IReadOnlyList<Sending> RemoveAll()
    {
        lock (_lock)
        {
            Sending[] all = [.. _sendings.Values.OrderBy(s => s.Number)];
            _sendings.Clear();
            return all;
        }
    }

    private Sending Add(IReadOnlyList<PendingPublish> members)
    {
        // One that goes alone may have its id already.
        var requestId = members is [{ Message.RequestId: { } own }] ? own : Sending.NewId();
        var sending = new Sending(++_number, requestId, members);
        _sendings.Add(sending.Message.RequestId!, sending);
        return sending;
    }

    private void Free(int publishes)
    {
        _free += publishes;
        if (publishes > 0)
            freed();
    }
}
