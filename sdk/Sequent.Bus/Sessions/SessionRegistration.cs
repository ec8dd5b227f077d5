using Sequent.Bus.Delivering;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>The client type a session takes part in, if any, and what it does there: register, ack, nack, extend, unregister.</summary>
/// <param name="outbox">Where answers and deliveries go.</param>
/// <param name="version">The protocol of the session.</param>
/// <param name="sessionId">The session, for people.</param>
/// <param name="deliveries">The client types.</param>
/// <param name="loopEnded">Called when the client type is served no longer, by a defect or because it was forgotten that very moment.</param>
/// <param name="sessionEnded">Cancelled when nothing of the session may go on.</param>
internal sealed class SessionRegistration(
    Outbox outbox, ProtocolVersion version, string sessionId, Deliveries deliveries, Action loopEnded, CancellationToken sessionEnded)
{
    // Coming and going one after the other: a session may be ended by others while it registers, and must not be back after it has left.
    private readonly Credits _turn = new(1);
    private bool _isOver;
    private ClientTypeLoop? _loop;
    private Instance? _instance;
    private CancellationTokenRegistration _whenLoopEnds;

    // Numbers go on over registrations: a late ack of an earlier one must not meet a delivery of this one.
    private long _lastDelivery;

    /// <summary>The client type, or null.</summary>
    public string? ClientType => _loop?.Name;

    /// <summary>Registers, or registers again: the same client type keeps its keys, another one revokes what is held.</summary>
    /// <exception cref="ProtocolException">The registration is not possible; the former one stands.</exception>
    public Task RegisterAsync(RegisterMessage message) => InTurnAsync(() => RegisterInTurnAsync(message), sessionEnded);

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
    public Task UnregisterAsync(UnregisterMessage message) => InTurnAsync(() => UnregisterInTurnAsync(message), sessionEnded);

    private async Task UnregisterInTurnAsync(UnregisterMessage message)
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
        _whenLoopEnds.Unregister();
        // Not cancelled by the session's end: leaving is what has to happen then.
        return _lastDelivery = await loop.AskAsync(
            queue =>
            {
                queue.Leave(instance, isLost);
                return instance.LastDelivery;
            },
            CancellationToken.None);
    }

    /// <summary>The session is over: it takes part no longer, and never again.</summary>
    /// <param name="isLost">Its connection broke.</param>
    public Task EndAsync(bool isLost) => InTurnAsync(() => EndInTurnAsync(isLost), CancellationToken.None);

    private async Task EndInTurnAsync(bool isLost)
    {
        _isOver = true;
        try
        {
            await LeaveAsync(isLost);
        }
        catch (OperationCanceledException)
        {
            // The client type's loop has ended; nobody is left to leave.
        }
    }

    private async Task RegisterInTurnAsync(RegisterMessage message)
    {
        if (_isOver)
            throw new ProtocolException(ErrorCodes.ShuttingDown, "The session is being ended.");
        var takes = TypeFilter.OfRegistration(message.EventTypes);
        if (await deliveries.FindOrCreateAsync(message.ClientType, message.Start, sessionEnded) is not { } found)
            throw new ProtocolException(ErrorCodes.RateLimited, "The bus has as many client types as it takes; forget one first.", "$.client_type");
        if (found.Loop.IsDefect)
            throw new ProtocolException(ErrorCodes.Internal, "A defect stopped the deliveries of this client type until the bus is restarted; its log tells more.", "$.client_type");

        // A v1 instance has no window.
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
        _whenLoopEnds = found.Loop.Ended.Register(loopEnded);
        if (version == ProtocolVersion.V1)
            outbox.WhenDelivered = delivery => found.Loop.PostAsync(queue => queue.Sent(instance, delivery), sessionEnded);
        await AnswerAsync(found.Loop, message, found.Known, queue => queue.Join(instance));
    }

    private async Task InTurnAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        await _turn.TakeAsync(cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            _turn.Grant(1);
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

    private (ClientTypeLoop Loop, Instance Instance) Registered() =>
        _loop is { } loop && _instance is { } instance
            ? (loop, instance)
            : throw new ProtocolException(ErrorCodes.NotRegistered, "Register a client type first.");

    private static ErrorMessage NeverSent(string path, ClientMessage message) =>
        new(ErrorCodes.InvalidMessage, "A delivery of this number was never sent in this session.") { Path = path, RequestId = message.RequestId };
}
