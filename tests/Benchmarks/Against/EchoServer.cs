using System.Diagnostics;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sequent.Cli.Bench;
using Sequent.Cli.Bench.Loads;

namespace Sequent.Benchmarks.Against;

/// <summary>The wire's limit: a bare WebSocket server of Kestrel that sends every message back, in a process of its own.</summary>
internal static class EchoServer
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>Runs it until it is killed; prints its address first.</summary>
    public static async Task RunAsync()
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"); // as "sequent server" has it
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[BufferBytes];
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
                if (received.MessageType == WebSocketMessageType.Close)
                    return;
                await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, received.EndOfMessage, context.RequestAborted);
            }
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.First().Replace("http://", "ws://", StringComparison.Ordinal));
        await Task.Delay(Timeout.Infinite);
    }
}

/// <summary>The messages of a publish by hand, to somebody who sends them back.</summary>
internal sealed class EchoLoad(BenchPlan plan) : ILoad
{
    private Process? _server;
    private WirePublish? _pipes;

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        (_server, var address) = await Itself.StartAsync("echo");
        _pipes = new WirePublish(plan, "\"event_type\":\"measured\"");
        await _pipes.PrepareAsync(new Uri(address), cancellationToken);
    }

    public Task RunAsync(Meter meter, CancellationToken stop) => _pipes!.RunAsync(meter, stop);

    public async ValueTask DisposeAsync()
    {
        if (_pipes is not null)
            await _pipes.DisposeAsync();
        _server?.Kill();
        _server?.Dispose();
    }
}
