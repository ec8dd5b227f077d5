using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sequent.Cli.Tests;

/// <summary>Takes what is sent to a collector of OpenTelemetry, as it is: names are readable in it.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Path, string Body)> _taken = [];

    private Collector()
    {
        _app = WebApplication.CreateSlimBuilder().Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/{**path}", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            _taken.Enqueue((request.Path, Encoding.Latin1.GetString(body.ToArray())));
        });
    }

    public string Address => _app.Urls.First();

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        await collector._app.StartAsync();
        return collector;
    }

    public IReadOnlyList<string> Taken(string path) => [.. _taken.Where(t => t.Path == path).Select(t => t.Body)];

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
