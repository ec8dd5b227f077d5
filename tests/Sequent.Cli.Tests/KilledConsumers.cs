using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Cli.Tests;

/// <summary>Two instances of a client type at one server: they ack most of what they get, give some of it back, and reset their connections at times.</summary>
internal sealed class KilledConsumers : IAsyncDisposable
{
    public const string ClientType = "accounts";

    /// <summary>What is held back at most; then the oldest are acked.</summary>
    private const int MaxHeld = 40;

    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _address;
    private readonly DeliveryBook _book;

    private readonly bool _finishes;

    /// <param name="address">The server.</param>
    /// <param name="book">What is known of earlier ones, and of this one.</param>
    /// <param name="finishes">They hold nothing back, so that everything is settled in the end.</param>
    public KilledConsumers(Uri address, DeliveryBook book, bool finishes = false)
    {
        (_address, _book, _finishes) = (address, book, finishes);
        book.NoteStart();
        Ended = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(RunAsync)));
    }

    /// <summary>The server is gone, or a promise was broken.</summary>
    public Task Ended { get; }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await Ended;
        _stop.Dispose();
    }

    /// <summary>This one can never be handled.</summary>
    private static bool IsPoison(WireEvent e) => e.Key == "k0" && e.Value % 50 == 7;

    private async Task RunAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                using var session = await WireSession.ConnectAsync(_address);
                await session.SendAsync(new RegisterMessage(ClientType, ["*"]) { Start = StartPosition.Earliest, MaxInFlight = 256 });
                await ConsumeAsync(session);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // The server was killed, or there is nothing left to do.
        }
    }

    /// <summary>Until it resets its connection.</summary>
    private async Task ConsumeAsync(WireSession session)
    {
        var held = new SortedDictionary<long, WireEvent>();
        var givenBack = new HashSet<string>();
        while (true)
        {
            switch (await session.ReceiveAsync(_stop.Token))
            {
                case EventsMessage { Events: var events }:
                    foreach (var e in events)
                    {
                        // Handed out before the bus knew that its key was given back: it is revoked already, and perhaps acked by the other one by now.
                        if (givenBack.Contains(e.Event.Key))
                            continue;
                        _book.NoteDelivery(session, e);
                        held.Add(e.Delivery, e.Event);
                    }

                    break;
                case RevokedMessage { Deliveries: var revoked }:
                    foreach (var delivery in revoked)
                    {
                        if (!held.Remove(delivery, out var e))
                            continue;
                        _book.NoteRevoked(session, e, delivery);
                        givenBack.Remove(e.Key);
                    }

                    break;
                case ErrorMessage error:
                    Assert.Fail($"The bus refused something: {error.Code}, {error.Message}");
                    break;
                default:
                    continue;
            }

            await GiveBackAsync(session, held, givenBack);
            await AckAsync(session, held, givenBack);
            if (Random.Shared.Next(200) != 0)
                continue;
            session.Abort();
            _book.NoteReset(session);
            return;
        }
    }

    private async Task GiveBackAsync(WireSession session, SortedDictionary<long, WireEvent> held, HashSet<string> givenBack)
    {
        foreach (var (delivery, e) in held.Where(h => IsPoison(h.Value) || Random.Shared.Next(200) == 0).ToArray())
        {
            if (!givenBack.Add(e.Key))
                continue;
            _book.NoteNack(session, e, delivery);
            await session.SendAsync(new NackMessage(delivery) { DelayMs = 1 });
        }
    }

    /// <summary>Of a key that was given back nothing is acked until the bus has taken it back: that would settle nothing.</summary>
    private async Task AckAsync(WireSession session, SortedDictionary<long, WireEvent> held, HashSet<string> givenBack)
    {
        var handled = held.Where(h => !givenBack.Contains(h.Value.Key) && (_finishes || held.Count > MaxHeld || Random.Shared.Next(10) > 0)).ToArray();
        if (handled.Length == 0)
            return;
        await session.SendAsync(new AckMessage { Deliveries = [.. handled.Select(h => h.Key)] });
        _book.NoteAcks(session, handled);
        foreach (var (delivery, _) in handled)
            held.Remove(delivery);
    }
}
