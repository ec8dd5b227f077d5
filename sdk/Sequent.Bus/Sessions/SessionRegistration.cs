using Sequent.Bus.Delivering;
using Sequent.Bus.Reading;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>The client type a session takes part in, if any, and what it does there: register, ack, nack, extend, unregister.</summary>
internal sealed class SessionRegistration(Outbox outbox, ProtocolVersion version, string sessionId, Deliveries deliveries, EventLog log, CancellationToken sessionEnded)
{
    private ClientTypeLoop? _loop;
    private Instance? _instance;

    // Numbers go on over registrations: a late ack of an earlier one must not meet a delivery of this one.
    private long _lastDelivery;

    /// <summary>The client type, or null.</summary>
    public string? ClientType => _loop?.Name;

    /// <summary>Registers, or registers again: the same client type keeps its keys, another one revokes what is held.</summary>
    /// <exception cref="ProtocolException">The registration is not possible; the former one stands.</exception>
    public async Task RegisterAsync(RegisterMessage message)
    {
        CheckStart(message.Start);
        var takes = TypeFilter.OfRegistration(message.EventTypes);
        if (await deliveries.FindOrCreateAsync(message.ClientType, message.Start, sessionEnded) is not { } found)
            throw new ProtocolException(ErrorCodes.RateLimited, "The bus has as many client types as it takes; forget one first.", "$.client_type");

        // A v1 instance is never full.
        var (window, windowPerKey) = version == ProtocolVersion.V1
            ? (int.MaxValue, int.MaxValue)
            : (message.MaxInFlight ?? deliveries.Limits.Window, message.MaxInFlightPerKey ?? deliveries.Limits.WindowPerKey);
        if (_instance is { } same && _loop == found.Loop)
        {
            await AnswerAsync(found.Loop, message, known: true, queue => queue.Rejoin(same, takes, window, windowPerKey));
            return;
        }

        var instance = new Instance(outbox, takes, window, windowPerKey, await LeaveAsync(isLost: false)) { SessionId = sessionId, Name = message.Instance };
        (_loop, _instance) = (found.Loop, instance);
        if (version == ProtocolVersion.V1 && deliveries.Limits.AcksSent.Contains(message.ClientType))
            outbox.WhenDelivered = delivery => found.Loop.PostAsync(queue => queue.Sent(instance, delivery), sessionEnded);
        await AnswerAsync(found.Loop, message, found.Known, queue => queue.Join(instance));
    }

    /// <summary>Settles deliveries of this session.</summary>
    public async Task AckAsync(AckMessage message)
    {
        var (loop, instance) = Registered();
        await loop.PostAsync(
            queue =>
            {
                if (message.UpTo is { } upTo ? !queue.AckUpTo(instance, upTo) : !queue.Ack(instance, message.Deliveries!))
                    outbox.Post(NeverSent(message.UpTo is null ? "$.deliveries" : "$.up_to", message));
            },
            sessionEnded);
    }

    /// <summary>v1: settles the event that came back. One that is not this session's is ignored, as it always was.</summary>
    public async Task AckAsync(EventAckMessage message)
    {
        if (_loop is { } loop && _instance is { } instance)
            await loop.PostAsync(queue => queue.AckEvent(instance, message.Key, message.Value), sessionEnded);
    }

    /// <summary>Gives a delivery back.</summary>
    public async Task NackAsync(NackMessage message)
    {
        var (loop, instance) = Registered();
        await loop.PostAsync(
            queue =>
            {
                if (!queue.Nack(instance, message.Delivery, message.DelayMs * 1_000, message.Reason, message.DeadLetter))
                    outbox.Post(NeverSent("$.delivery", message));
            },
            sessionEnded);
    }

    /// <summary>Works on deliveries for longer than their deadline.</summary>
    public async Task ExtendAsync(ExtendMessage message)
    {
        var (loop, instance) = Registered();
        await loop.PostAsync(
            queue =>
            {
                if (!queue.Extend(instance, message.Deliveries, message.Ms * 1_000))
                    outbox.Post(NeverSent("$.deliveries", message));
            },
            sessionEnded);
    }

    /// <summary>Takes part no longer: at once, or once nothing is in flight.</summary>
    public async Task UnregisterAsync(UnregisterMessage message)
    {
        var (loop, instance) = Registered();
        var answer = new UnregisteredMessage(loop.Name) { RequestId = message.RequestId };
        if (message.Drain)
        {
            await loop.PostAsync(queue => queue.Drain(instance, () => outbox.Post(answer)), sessionEnded);
            return;
        }

        await LeaveAsync(isLost: false);
        outbox.Post(answer);
    }

    /// <summary>Takes part no longer; what was held moves at once. Returns the last delivery number, so that numbers go on.</summary>
    private async Task<long> LeaveAsync(bool isLost)
    {
        if (_loop is not { } loop || _instance is not { } instance)
            return _lastDelivery;
        (_loop, _instance, outbox.WhenDelivered) = (null, null, null);
        // Not cancelled by the session's end: leaving is what has to happen then.
        return _lastDelivery = await loop.AskAsync(
            queue =>
            {
                queue.Leave(instance, isLost);
                return instance.LastDelivery;
            },
            CancellationToken.None);
    }

    /// <summary>The session is over.</summary>
    /// <param name="isLost">Its connection broke.</param>
    public async Task EndAsync(bool isLost)
    {
        try
        {
            await LeaveAsync(isLost);
        }
        catch (OperationCanceledException)
        {
            // The client type's loop has ended; nobody is left to leave.
        }
    }

    private async Task AnswerAsync(ClientTypeLoop loop, RegisterMessage message, bool known, Action<ClientTypeQueue> join)
    {
        var answer = new RegistrationMessage(message.ClientType, message.EventTypes) { RequestId = message.RequestId };
        if (version == ProtocolVersion.V1)
        {
            // What was pending goes out before the answer, as in the original.
            await loop.PostAsync(join, sessionEnded);
            await loop.PostAfterFeedAsync(() => outbox.Post(answer), sessionEnded);
            return;
        }

        await loop.PostAsync(
            queue =>
            {
                outbox.Post(answer with { Known = known, Cursor = queue.Cursor });
                join(queue);
            },
            sessionEnded);
    }

    private void CheckStart(StartPosition? start)
    {
        if (start?.Position is not { } position)
            return;
        if (start.LogId != log.LogId)
            throw new ProtocolException(ErrorCodes.LogChanged, $"The start position is of log {start.LogId}; this bus has log {log.LogId}.", "$.start.log_id");
        if (position > log.Head)
            throw new ProtocolException(ErrorCodes.PositionAhead, $"The log ends at position {log.Head}.", "$.start.position");
    }

    private (ClientTypeLoop Loop, Instance Instance) Registered() =>
        _loop is { } loop && _instance is { } instance
            ? (loop, instance)
            : throw new ProtocolException(ErrorCodes.NotRegistered, "Register a client type first.");

    private static ErrorMessage NeverSent(string path, ClientMessage message) =>
        new(ErrorCodes.InvalidMessage, "A delivery of this number was never sent in this session.") { Path = path, RequestId = message.RequestId };
}
