using System.CommandLine.Parsing;
using System.Globalization;

namespace Sequent.Cli;

/// <summary>Where the server listens: <c>host:port</c>.</summary>
internal sealed record BindAddress(string Host, int Port)
{
    public static BindAddress Default { get; } = new("localhost", 8081);

    /// <summary>The address for the web server. Port 0 means any free one, which "localhost" cannot be combined with.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://{(Port == 0 && Host == "localhost" ? "127.0.0.1" : Host)}:{Port}");

    public static BindAddress Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var colon = text.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return new BindAddress(text[..colon], port);
        result.AddError($"'{text}' is no address. Use host:port, such as localhost:8081, 0.0.0.0:8081 or [::1]:8081.");
        return Default;
    }
}
