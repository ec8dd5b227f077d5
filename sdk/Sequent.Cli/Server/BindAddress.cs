using System.Globalization;
using System.Net;

namespace Sequent.Cli.Server;

/// <summary>Where the server listens: <c>host:port</c>.</summary>
internal sealed record BindAddress(string Host, int Port)
{
    public static BindAddress Default { get; } = new("localhost", 8081);

    /// <summary>The address for the web server. Port 0 means any free one, which "localhost" cannot be combined with.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://{(Port == 0 && Host == "localhost" ? "127.0.0.1" : Host)}:{Port}");

    /// <summary>Only programs on this machine can connect.</summary>
    public bool IsLoopback => Host == "localhost" || IPAddress.IsLoopback(IPAddress.Parse(Host));

    /// <exception cref="FormatException">The text is no address.</exception>
    public static BindAddress Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        // The web server takes a name it does not know for "every address of this machine", which nobody means.
        if (colon > 0 && (text[..colon] is "localhost" || IPAddress.TryParse(text.AsSpan(0, colon), out _))
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return new BindAddress(text[..colon], port);
        throw new FormatException($"'{text}' is no address to listen on. Use localhost or an IP address, and a port: localhost:8081, 0.0.0.0:8081 or [::1]:8081.");
    }
}
