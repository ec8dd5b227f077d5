using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>Servers that are no Sequent bus, or a bad one.</summary>
internal sealed class ConnectTests
{
    private readonly FakeTimeProvider _time = new();
    private int _connections;

    [Test]
    public async Task A_server_that_does_not_speak_the_protocol_is_tried_again_in_vain()
    {
        await using var server = await StartAsync("another.v1", async socket => await UntilClosedAsync(socket));
        await using var client = NewClient(server);
        var connecting = client.ConnectAsync();

        await BusyUntilAsync(() => _connections >= 3);

        Assert.That((connecting.IsCompleted, client.State), Is.EqualTo((false, ConnectionState.Connecting)));
        await client.DisposeAsync();
        Assert.That(async () => await connecting, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_server_that_stays_silent_is_given_up_after_ten_seconds()
    {
        await using var server = await StartAsync(WireNames.Subprotocol, async socket => await UntilClosedAsync(socket));
        await using var client = NewClient(server);
        _ = client.ConnectAsync();
        await BusyUntilAsync(() => _connections == 1, advance: false);

        _time.Advance(TimeSpan.FromSeconds(10));

        await BusyUntilAsync(() => _connections >= 2);
    }

    [TestCase("""{"message_type":"receipt","receipts":[]}""")]
    [TestCase("""no json""")]
    public async Task A_first_message_that_is_not_hello_is_no_session(string first)
    {
        await using var server = await StartAsync(WireNames.Subprotocol, async socket =>
        {
            await SendAsync(socket, first);
            await UntilClosedAsync(socket);
        });
        await using var client = NewClient(server);
        _ = client.ConnectAsync();

        await BusyUntilAsync(() => _connections >= 3);

        Assert.That(client.State, Is.EqualTo(ConnectionState.Connecting));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_bus_that_drops_everybody_at_once_is_not_hammered()
    {
        await using var server = await StartAsync(WireNames.Subprotocol, async socket =>
        {
            await SendAsync(socket, Hello);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        });
        await using var client = NewClient(server);
        await client.ConnectAsync();

        // The first loss is made good at once; after the second it pauses, and this clock stands still.
        await BusyUntilAsync(() => _connections == 2 && client.State == ConnectionState.Connecting, advance: false);
        Assert.That(_connections, Is.EqualTo(2));

        await BusyUntilAsync(() => _connections >= 4);
    }

    [TestCase("""{"message_type":"sequences"}""")]
    [TestCase("[")]
    public async Task A_message_that_cannot_be_understood_ends_the_session_and_the_next_one_goes_on(string message)
    {
        await using var server = await StartAsync(WireNames.Subprotocol, async socket =>
        {
            await SendAsync(socket, Hello);
            if (_connections == 1)
                await SendAsync(socket, message);
            await UntilClosedAsync(socket);
        });
        await using var client = NewClient(server);
        await client.ConnectAsync();

        await BusyUntilAsync(() => _connections == 2 && client.State == ConnectionState.Connected);
    }

    [Test]
    public async Task A_message_beyond_every_limit_is_not_taken()
    {
        await using var server = await StartAsync(WireNames.Subprotocol, async socket =>
        {
            await SendAsync(socket, Hello);
            if (_connections == 1)
                await SendAsync(socket, new string(' ', 3_000_000));
            await UntilClosedAsync(socket);
        });
        await using var client = NewClient(server);
        await client.ConnectAsync();

        await BusyUntilAsync(() => _connections == 2 && client.State == ConnectionState.Connected);
    }

    private const string Hello = """
        {"message_type":"hello","version":"1","log_id":"a","session_id":"1","position":0,"keep_alive_ms":1000,
         "limits":{"message_bytes":1000,"events_per_message":10,"query_page":10,"key_bytes":10,"event_type_bytes":10}}
        """;

    private SequentClient NewClient(WebApplication server) =>
        new(new SequentOptions { Server = FaultyBus.AddressOf(server), TimeProvider = _time, ReconnectDelayMax = TimeSpan.FromSeconds(1) });

    private async Task<WebApplication> StartAsync(string? subprotocol, Func<WebSocket, Task> serve)
    {
        var server = FaultyBus.NewApplication();
        server.UseWebSockets();
        server.Run(async (HttpContext context) =>
        {
            Interlocked.Increment(ref _connections);
            using var socket = await context.WebSockets.AcceptWebSocketAsync(subprotocol);
            try
            {
                await serve(socket);
            }
            catch (WebSocketException)
            {
                // The client has left, which is what these tests are about.
            }
        });
        await server.StartAsync();
        return server;
    }

    private static Task SendAsync(WebSocket socket, string text) =>
        socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task UntilClosedAsync(WebSocket socket)
    {
        while ((await socket.ReceiveAsync(new byte[100], CancellationToken.None)).MessageType != WebSocketMessageType.Close)
        {
        }

        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    private Task BusyUntilAsync(Func<bool> condition, bool advance = true) => BusTest.UntilAsync(
        () =>
        {
            if (advance)
                _time.Advance(TimeSpan.FromMilliseconds(500));
            return condition();
        },
        "the client has tried again");
}
