using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Sequent.Testing.Faults;

/// <summary>One connection to the bus.</summary>
/// <param name="context">Its request.</param>
/// <param name="socket">Its socket.</param>
/// <param name="isOwn">It belongs to the test bus itself, whose own work no fault of the wire shall hit.</param>
internal sealed class Link(HttpContext context, WebSocket socket, bool isOwn)
{
    private readonly Lock _lock = new();
    private bool _isOver;

    public bool IsOwn => isOwn;

    /// <summary>Ends the connection without a goodbye.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            // The web server reuses the context once the request is over.
            if (_isOver)
                return;

            // The connection first: the end of the socket may end the request right here.
            context.Abort();
            socket.Abort();
        }
    }

    /// <summary>The request is over, or about to be.</summary>
    public void End()
    {
        lock (_lock)
            _isOver = true;
    }
}
