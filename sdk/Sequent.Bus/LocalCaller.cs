using System.Net;
using Microsoft.AspNetCore.Http;

namespace Sequent.Bus;

/// <summary>
/// Whether a request comes from this machine and from a program. A page of a stranger reaches the bus on its visitor's machine too, perhaps under
/// a name of its own that leads here; both show in the headers.
/// </summary>
internal static class LocalCaller
{
    /// <summary>A program on this machine that named the bus by its loopback address, and no proxy that speaks for others.</summary>
    public static bool Is(HttpRequest request)
    {
        var remote = request.HttpContext.Connection.RemoteIpAddress;
        return (remote is null || IPAddress.IsLoopback(remote))
            && IsLoopbackName(request.Host)
            && request.Headers.Origin.Count == 0
            && !request.Headers.ContainsKey("Forwarded")
            && !request.Headers.ContainsKey("X-Forwarded-For");
    }

    /// <summary>The bus is named by an address, or as localhost: no name that a stranger could have led here.</summary>
    public static bool IsNamedByAddress(HttpRequest request) => request.Host.Host is "localhost" || IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out _);

    private static bool IsLoopbackName(HostString host) =>
        host.Host is "localhost" || (IPAddress.TryParse(host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
