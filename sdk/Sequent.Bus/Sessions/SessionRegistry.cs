using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>Takes WebSocket requests, turns them into sessions, and ends them all when the bus stops.</summary>
internal sealed class SessionRegistry(SequentBus bus, ILoggerFactory loggers) : IDisposable
{
    private readonly ConcurrentDictionary<Session, Task> _running = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private Task? _closing;
    private volatile bool _isOpen;

    /// <summary>Requests are taken.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>Requests are taken from now on.</summary>
    public void Open() => _isOpen = true;

    /// <summary>Serves one request until its session ends.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest && HttpMethods.IsGet(context.Request.Method) && context.Request.Path.Value is "/" or "")
        {
            await Welcome.WriteAsync(context, bus);
            return;
        }

        if (Refusal(context) is { } refusal)
        {
            context.Response.StatusCode = refusal.Status;
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync(refusal.Text, context.RequestAborted);
            return;
        }

        var isV2 = context.WebSockets.WebSocketRequestedProtocols.Contains(WireNames.Subprotocol);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = isV2 ? WireNames.Subprotocol : null,
            KeepAliveInterval = bus.Options.KeepAlive,
            KeepAliveTimeout = bus.Options.KeepAlive,
        });
        var producer = new Producer(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), SenderOf(context.Connection));
        await RunAsync(socket, isV2 ? ProtocolVersion.V2 : ProtocolVersion.V1, producer, SessionUpgrade.StreamOf(context));
    }

    /// <summary>Runs a session over a socket until it ends.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="version">Its protocol.</param>
    /// <param name="producer">The connection, as its events name it.</param>
    /// <param name="stream">What is below the socket, if that can gather frames.</param>
    public async Task RunAsync(WebSocket socket, ProtocolVersion version, Producer producer, SessionStream? stream = null)
    {
        using var session = new Session(socket, stream, version, producer, bus, loggers.CreateLogger<Session>());
        var running = session.RunAsync(_stopping.Token);
        _running.TryAdd(session, running);
        var protocol = new KeyValuePair<string, object?>("sequent.protocol", version == ProtocolVersion.V2 ? "v2" : "v1");
        BusMeter.Sessions.Add(1, protocol);
        try
        {
            await running;
        }
        finally
        {
            BusMeter.Sessions.Add(-1, protocol);
            _running.TryRemove(session, out _);
        }
    }

    /// <summary>The sessions at this moment, by id.</summary>
    public IReadOnlyCollection<Session> Sessions => [.. _running.Keys.OrderBy(s => s.Id, StringComparer.Ordinal)];

    /// <summary>Ends a session: what it holds moves on.</summary>
    /// <returns>False if there is none of this id.</returns>
    public async Task<bool> KickAsync(string id)
    {
        if (_running.Keys.FirstOrDefault(s => s.Id == id) is not { } session)
            return false;
        await session.KickAsync();
        return true;
    }

    /// <summary>Lets instances settle what they hold, for a while, then ends every session and waits for them.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
            return _closing ??= CloseOnceAsync();
    }

    private async Task CloseOnceAsync()
    {
        _isOpen = false;
        foreach (var session in Sessions)
            session.AnnounceStop();
        using (var patience = new CancellationTokenSource(bus.Options.DrainTime, bus.Time))
        {
            try
            {
                await bus.Deliveries.DrainAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                // Whoever holds something still gets it again, from the bus that comes next.
            }
        }

        _stopping.Cancel();
        await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    public void Dispose() => _stopping.Dispose();

    private (int Status, string Text)? Refusal(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
            return (StatusCodes.Status426UpgradeRequired, $"This is a Sequent bus, version {bus.Version}. Connect with a WebSocket client.\n");
        if (!_isOpen)
            return (StatusCodes.Status503ServiceUnavailable, "The bus is starting or stopping. Try again.\n");
        if (_running.Count >= bus.Options.Sessions)
            return (StatusCodes.Status503ServiceUnavailable, $"The bus has as many sessions as it takes ({bus.Options.Sessions}).\n");
        return IsOriginAllowed(context.Request) ? null : (StatusCodes.Status403Forbidden, "Pages of this origin may not connect to the bus.\n");
    }

    /// <summary>
    /// Browsers send an Origin; a page of a stranger must not speak to a bus on its visitor's machine, also not under a name of its own that leads
    /// there. Old clients send the bus's own address or none.
    /// </summary>
    private bool IsOriginAllowed(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || bus.Options.AllowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase))
            return true;
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)
            && (LocalCaller.IsNamedByAddress(request) || request.HttpContext.Connection.LocalIpAddress is { } local && !IPAddress.IsLoopback(local));
    }

    /// <summary>The address in the form of the original bus: <c>V4(127.0.0.1:45837)</c>, <c>V6([::1]:45837)</c>.</summary>
    private static string SenderOf(ConnectionInfo connection)
    {
        var address = connection.RemoteIpAddress ?? IPAddress.Loopback;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return $"{(address.AddressFamily == AddressFamily.InterNetwork ? "V4" : "V6")}({new IPEndPoint(address, connection.RemotePort)})";
    }
}
