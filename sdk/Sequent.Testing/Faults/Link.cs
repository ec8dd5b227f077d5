using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Sequent.Testing.Faults;

/// <summary>One connection to the bus.</summary>
/// <param name="context">Its request.</param>
/// <param name="socket">Its socket.</param>
/// <param name="group">Whose it is.</param>
internal sealed class Link(HttpContext context, WebSocket socket, LinkGroup group)
{
    private readonly Lock _lock = new();
    private bool _isOver;

    public LinkGroup Group => group;

    /// <summary>Ends the connection without a goodbye.</summary>
    /// <returns>False if it was over, or about to be: somebody else has ended it.</returns>
    public bool Cut()
    {
        lock (_lock)
        {
            // The web server reuses the context once the request is over.
            if (_isOver)
                return false;
            _isOver = true;
            var wasAlive = socket.State is not (WebSocketState.Aborted or WebSocketState.Closed);

            // The connection first: the end of the socket may end the request right here.
            context.Abort();
            socket.Abort();
            return wasAlive;
        }
    }

    /// <summary>The request is over, or about to be.</summary>
    public void End()
    {
        lock (_lock)
            _isOver = true;
    }
}
