using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Sequent.Bus.Sessions;

/// <summary>What the bus says to somebody who comes by HTTP: what this is, and how to connect.</summary>
internal static class Welcome
{
    public static Task WriteAsync(HttpContext context, SequentBus bus)
    {
        var address = $"{(context.Request.IsHttps ? "wss" : "ws")}://{context.Request.Host}/";
        var about = new AboutBus("Sequent", bus.Version, bus.Log.LogId, bus.Log.Head, address, Protocol.WireNames.Subprotocol);
        if (context.Request.Headers.Accept.ToString().Contains("application/json", StringComparison.OrdinalIgnoreCase))
            return context.Response.WriteAsJsonAsync(about, AboutJson.Default.AboutBus, cancellationToken: context.RequestAborted);
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(
            $"""
            This is a Sequent bus, version {about.Version}.

            Log {about.LogId} ends at position {about.Position}.
            Connect with a WebSocket client to {address} (subprotocol {about.Subprotocol}), or with the SDK: new SequentClient("{address}").

            """,
            context.RequestAborted);
    }
}

/// <summary>What a bus is.</summary>
internal sealed record AboutBus(string Name, string Version, string LogId, long Position, string Address, string Subprotocol);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AboutBus))]
internal sealed partial class AboutJson : JsonSerializerContext;
