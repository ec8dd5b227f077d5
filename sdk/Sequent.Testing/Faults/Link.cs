using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Sequent.Testing.Faults;

/// <summary>One connection to the bus.</summary>
/// <param name="context">Its request.</param>
/// <param name="socket">Its socket.</param>
/// <param name="isOwn">It belongs to the test bus itself, whose own work no fault of the wire shall hit.</param>
internal sealed class Link(HttpContext context, WebSocket socket, bool isOwn)
{
    public bool IsOwn => isOwn;

    /// <summary>Ends the connection without a goodbye.</summary>
    public void Cut()
    {
        socket.Abort();
        context.Abort();
    }
}
