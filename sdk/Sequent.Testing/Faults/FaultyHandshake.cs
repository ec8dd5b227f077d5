using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sequent.Protocol;

namespace Sequent.Testing.Faults;

/// <summary>Accepts WebSockets for the bus, which gets faulty ones without knowing.</summary>
internal sealed class FaultyHandshake(HttpContext context, IHttpWebSocketFeature inner, WireFaults faults, LinkGroup group) : IHttpWebSocketFeature, IDisposable
{
    private Link? _link;

    public bool IsWebSocketRequest => inner.IsWebSocketRequest;

    public async Task<WebSocket> AcceptAsync(WebSocketAcceptContext options)
    {
        var socket = await inner.AcceptAsync(options).ConfigureAwait(false);
        faults.Add(_link = new Link(context, socket, group));
        if (group.IsOwn)
            return socket;
        return new FaultySocket(socket, options.SubProtocol == WireNames.Subprotocol ? ProtocolVersion.V2 : ProtocolVersion.V1, faults);
    }

    /// <summary>The connection is over.</summary>
    public void Dispose()
    {
        if (_link is null)
            return;
        faults.Remove(_link);
        _link.End();
    }
}
