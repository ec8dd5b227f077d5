using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sequent.Client.Connecting;
using Sequent.Client.Telemetry;

namespace Sequent.Client.Hosting;

/// <summary>Runs the handlers and projections of a client while the application runs.</summary>
internal sealed class SequentHost(IServiceProvider services, SequentRegistration registration) : IHostedService, IDisposable
{
    /// <summary>How long cancelled handlers and projections are waited for.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private readonly List<Task> _running = [];
    private bool _isDisposed;
    private SequentClient? _client;
    private HandlerHost? _handlers;
    private SequentOptions? _options;
    private IDisposable? _lagWatch;

    /// <summary>Checks everything that can be checked without the bus, then starts. Does not wait for the bus: it may come later.</summary>
    /// <exception cref="OptionsValidationException">An option is not usable.</exception>
    /// <exception cref="InvalidOperationException">Two event types have the same name.</exception>
    /// <exception cref="NotSupportedException">An event type has no JSON metadata.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var options = _options = registration.OptionsOf(services);
        var client = _client = registration.Get<SequentClient>(services);
        var loggers = options.LoggerFactory ?? NullLoggerFactory.Instance;
        client.Mapper.Validate();

        // Everything is built before anything runs: a host that cannot start must not have handled anything.
        var handlers = registration.Handlers.Count == 0
            ? null
            : _handlers = new HandlerHost(client, options, registration.Handlers, services.GetRequiredService<IServiceScopeFactory>(), loggers.CreateLogger<HandlerHost>());
        var projections = registration.Projections
            .Select(p => new ProjectionHost(client, p.Create(services), p.Progress, options.TimeProvider, loggers.CreateLogger<ProjectionHost>())).ToList();

        _lagWatch = LagGauge.Watch(() => Lags(options.TimeProvider.GetUtcNow()));

        // A wrong address shows in the log now, not at the first request.
        _running.Add(client.ConnectAsync(_stopping.Token));
        if (handlers is not null)
            _running.Add(Detached.Run(() => handlers.RunAsync(_stopping.Token, _aborting.Token)));
        foreach (var projection in projections)
            _running.Add(Detached.Run(() => projection.RunAsync(_stopping.Token)));
        return Task.CompletedTask;
    }

    /// <summary>What keeps the service from its work, in words, and how far it is.</summary>
    /// <param name="maxLag">How far behind handlers and projections may be; null: that is no obstacle.</param>
    public (IReadOnlyList<string> Obstacles, IReadOnlyDictionary<string, object> Data) Describe(TimeSpan? maxLag)
    {
        if (_client is not { } client || _options is not { } options)
            return (["not started"], new Dictionary<string, object>());
        var obstacles = new List<string>();
        var data = new Dictionary<string, object> { ["server"] = client.Server.ToString(), ["state"] = client.State.ToString() };
        if (client.Bus is { } bus)
            data["log_id"] = bus.LogId;
        else
            obstacles.Add($"not connected to {client.Server}");
        if (_handlers is { IsRegistered: false })
            obstacles.Add("the handlers are not registered");
        foreach (var projection in registration.Projections)
        {
            data[$"position of {projection.Projection.Name}"] = projection.Progress.Position;
            if (projection.Progress.Failure is { } failure)
                obstacles.Add($"{projection.Projection.Name} fails after position {projection.Progress.Position} ({failure.GetType().Name})");
            else if (!projection.Progress.IsCaughtUp)
                obstacles.Add($"{projection.Projection.Name} has not caught up");
        }

        foreach (var (_, name, lag) in Lags(options.TimeProvider.GetUtcNow()))
        {
            data[$"lag of {name}"] = lag;
            if (lag > maxLag)
                obstacles.Add($"{name} is {lag.TotalSeconds:0.#} s behind");
        }

        return (obstacles, data);
    }

    private IEnumerable<(string Tag, string Name, TimeSpan Lag)> Lags(DateTimeOffset now)
    {
        if (_handlers?.LagAt(now) is { } ofHandlers)
            yield return (Tags.ClientType, _options!.ClientType!, ofHandlers);
        foreach (var projection in registration.Projections)
        {
            if (projection.Progress.LagAt(now) is { } lag)
                yield return (Tags.Projection, projection.Projection.Name, lag);
        }
    }

    /// <summary>
    /// Takes nothing new, lets running handlers finish and acks what they did. When the host's patience ends they are cancelled, and a little
    /// later left behind: their events come again.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await using (cancellationToken.Register(_aborting.Cancel).ConfigureAwait(false))
            await Task.WhenAny(Task.WhenAll(_running), AbortedAsync()).ConfigureAwait(false);
    }

    private async Task AbortedAsync()
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _aborting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(Grace, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>A container disposes of it once as itself and once as a hosted service.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        _lagWatch?.Dispose();
        _stopping.Cancel();
        _stopping.Dispose();
        _aborting.Dispose();
    }
}
