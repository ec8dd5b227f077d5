using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sequent.Bus;
using Sequent.Client.Connecting;
using Sequent.Protocol;

namespace Sequent.Client.Tests.Support;

/// <summary>A real bus in memory, behind a relay that can lose connections, withhold answers and give its own.</summary>
internal sealed class FaultyBus : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Link, byte> _links = [];
    private readonly List<Func<ClientMessage, Link, Task<bool?>>> _faults = [];
    private readonly WebApplication _relay;
    private readonly Action<SequentBusOptions>? _configure;
    private WebApplication? _bus;
    private Uri? _busAddress;
    private int _connections;

    private readonly ProtocolVersion _protocol;

    private FaultyBus(ProtocolVersion protocol, Action<SequentBusOptions>? configure)
    {
        (_protocol, _configure) = (protocol, configure);
        _relay = NewApplication();
        _relay.UseWebSockets();
        _relay.Run(RelayAsync);
    }

    /// <summary>Everything clients have sent, in order.</summary>
    public ConcurrentQueue<ClientMessage> Received { get; } = new();

    /// <summary>How often clients have connected.</summary>
    public int Connections => _connections;

    public Uri Address { get; private set; } = null!;

    /// <summary>Connections are refused while it is down.</summary>
    public bool IsDown { get; set; }

    public static async Task<FaultyBus> StartAsync(Action<SequentBusOptions>? configure = null, ProtocolVersion protocol = ProtocolVersion.V2)
    {
        var bus = new FaultyBus(protocol, configure);
        await bus._relay.StartAsync();
        bus.Address = AddressOf(bus._relay);
        await bus.StartBusAsync();
        return bus;
    }

    public SequentClient CreateClient(Action<SequentOptions>? configure = null)
    {
        var options = new SequentOptions { Server = Address, ReconnectDelayMax = TimeSpan.FromMilliseconds(100) };
        configure?.Invoke(options);
        return new SequentClient(options);
    }

    /// <summary>Loses the connection before the next such message reaches the bus.</summary>
    public void LoseNext<T>()
        where T : ClientMessage => Once<T>((_, link) =>
        {
            link.Cut();
            return Task.FromResult(false);
        });

    /// <summary>Lets the next such message through and loses the connection instead of the answer.</summary>
    public void LoseAnswerToNext<T>()
        where T : ClientMessage => Once<T>((_, link) =>
        {
            link.CutsAtAnswer = true;
            return Task.FromResult(true);
        });

    /// <summary>Answers the next such message with an error; it does not reach the bus.</summary>
    public void RefuseNext<T>(string code)
        where T : ClientMessage => Once<T>(async (message, link) =>
        {
            var requestId = (message as NewMessage)?.RequestId ?? (message as QueryMessage)?.RequestId ?? (message as SequenceMessage)?.RequestId;
            await link.AnswerAsync(new ErrorMessage(code, "refused by the test") { RequestId = requestId });
            return false;
        });

    /// <summary>Answers the next such message with JSON; it does not reach the bus.</summary>
    public void AnswerNext<T>(Func<T, string> answer)
        where T : ClientMessage => Once<T>(async (message, link) =>
        {
            await link.SendAsync(Encoding.UTF8.GetBytes(answer(message)));
            return false;
        });

    /// <summary>Runs something before the next such message goes on to the bus.</summary>
    public void BeforeNext<T>(Func<Task> action)
        where T : ClientMessage => Once<T>(async (_, _) =>
        {
            await action();
            return true;
        });

    /// <summary>Drops the next such message and keeps the connection.</summary>
    public void SwallowNext<T>()
        where T : ClientMessage => Once<T>((_, _) => Task.FromResult(false));

    /// <summary>Loses every connection.</summary>
    public void CutAll()
    {
        foreach (var link in _links.Keys)
            link.Cut();
    }

    /// <summary>Tells every client that deliveries are no longer its own.</summary>
    public Task RevokeAsync(params long[] deliveries)
    {
        var frame = new ArrayBufferWriter<byte>();
        BusMessageWriter.Write(new RevokedMessage(deliveries), frame);
        return Task.WhenAll(_links.Keys.Select(link => link.SendAsync(frame.WrittenMemory)));
    }

    /// <summary>Another bus with another, empty log behind the same address.</summary>
    public async Task ReplaceLogAsync()
    {
        IsDown = true;
        CutAll();
        await StopBusAsync();
        await StartBusAsync();
        IsDown = false;
    }

    public int CountReceived<T>()
        where T : ClientMessage => Received.OfType<T>().Count();

    public async ValueTask DisposeAsync()
    {
        CutAll();
        await StopBusAsync();
        await _relay.StopAsync();
        await _relay.DisposeAsync();
    }

    private void Once<T>(Func<T, Link, Task<bool>> fault)
        where T : ClientMessage
    {
        lock (_faults)
        {
            var used = 0;
            _faults.Add(async (message, link) => message is T m && Interlocked.Exchange(ref used, 1) == 0 ? await fault(m, link) : null);
        }
    }

    private async Task<bool> MayGoOnAsync(ClientMessage message, Link link)
    {
        Func<ClientMessage, Link, Task<bool?>>[] faults;
        lock (_faults)
            faults = [.. _faults];
        foreach (var fault in faults)
        {
            if (await fault(message, link) is { } goesOn)
                return goesOn;
        }

        return true;
    }

    private async Task RelayAsync(HttpContext context)
    {
        if (IsDown)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        Interlocked.Increment(ref _connections);
        using var client = await context.WebSockets.AcceptWebSocketAsync(_protocol == ProtocolVersion.V2 ? WireNames.Subprotocol : null);
        using var bus = new ClientWebSocket();
        if (_protocol == ProtocolVersion.V2)
            bus.Options.AddSubProtocol(WireNames.Subprotocol);
        await bus.ConnectAsync(_busAddress!, context.RequestAborted);
        var link = new Link(client, bus);
        _links.TryAdd(link, 0);
        await Task.WhenAny(ToBusAsync(link), ToClientAsync(link));
        link.Cut();
        _links.TryRemove(link, out _);
    }

    private async Task ToBusAsync(Link link)
    {
        var frames = new FrameReader(link.Client) { MaxBytes = int.MaxValue };
        while (await ReadAsync(frames) is { } utf8)
        {
            var message = ClientMessageReader.Read(utf8, _protocol);
            Received.Enqueue(message);
            if (await MayGoOnAsync(message, link))
                await link.Bus.SendAsync(utf8, WebSocketMessageType.Text, true, CancellationToken.None);
        }
    }

    private static async Task ToClientAsync(Link link)
    {
        var frames = new FrameReader(link.Bus) { MaxBytes = int.MaxValue };
        while (await ReadAsync(frames) is { } utf8 && !link.CutsAtAnswer)
            await link.SendAsync(utf8);
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(FrameReader frames)
    {
        try
        {
            return await frames.ReadAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private async Task StartBusAsync()
    {
        _bus = NewApplication(services => services.AddSequentBus(o =>
        {
            o.DataFile = null;
            _configure?.Invoke(o);
        }));
        _bus.MapSequentBus();
        await _bus.StartAsync();
        _busAddress = AddressOf(_bus);
    }

    private async Task StopBusAsync()
    {
        await _bus!.StopAsync();
        await _bus.DisposeAsync();
    }

    public static WebApplication NewApplication(Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        configure?.Invoke(builder.Services);
        return builder.Build();
    }

    public static Uri AddressOf(WebApplication application) => new(application.Urls.Single().Replace("http", "ws", StringComparison.Ordinal));

    /// <summary>One relayed connection.</summary>
    internal sealed class Link(WebSocket client, WebSocket bus)
    {
        private readonly SemaphoreSlim _sending = new(1);

        public WebSocket Client { get; } = client;

        public WebSocket Bus { get; } = bus;

        public bool CutsAtAnswer { get; set; }

        public void Cut()
        {
            Client.Abort();
            Bus.Abort();
        }

        public Task AnswerAsync(ErrorMessage error)
        {
            var frame = new ArrayBufferWriter<byte>();
            BusMessageWriter.Write(error, frame);
            return SendAsync(frame.WrittenMemory);
        }

        public async Task SendAsync(ReadOnlyMemory<byte> utf8)
        {
            await _sending.WaitAsync();
            try
            {
                await Client.SendAsync(utf8, WebSocketMessageType.Text, true, CancellationToken.None);
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // Cut meanwhile.
            }
            finally
            {
                _sending.Release();
            }
        }
    }
}
