using System.Text.Json.Serialization;
using Sequent.Client;

namespace Worker;

public sealed record OrderPlaced(string Product, int Count);

public sealed record OrderConfirmed;

public sealed record Delivered(int Count);

public sealed record Taken(int Count);

[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderConfirmed))]
[JsonSerializable(typeof(Delivered))]
[JsonSerializable(typeof(Taken))]
internal sealed partial class WorkerJson : JsonSerializerContext;

public sealed record Stock(int Count) : IState<Stock>
{
    public static Stock Initial => new(0);

    public static Stock Apply(Stock state, RecordedEvent e) => e.Data switch
    {
        Delivered d => new(state.Count + d.Count),
        Taken t => new(state.Count - t.Count),
        _ => state,
    };
}

public sealed class OrderHandler : IEventHandler<OrderPlaced>
{
    public async Task HandleAsync(EventContext<OrderPlaced> context, CancellationToken cancellationToken)
    {
        var stock = await context.ReadAsync<Stock>(context.Data.Product, cancellationToken);
        if (stock.Count < context.Data.Count)
            return;
        context.Append(context.Data.Product, new Taken(context.Data.Count));
        context.Append(context.Key, new OrderConfirmed());
    }
}

/// <summary>A read model in memory: the orders that were confirmed.</summary>
public sealed class ConfirmedOrders : IProjection
{
    private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Checkpoint? _checkpoint;

    public IReadOnlyList<string> Types => [nameof(OrderConfirmed)];

    public Task<string> First => _first.Task;

    public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => new(_checkpoint);

    public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
    {
        foreach (var e in events)
            _first.TrySetResult(e.Key);
        _checkpoint = to;
        return new(true);
    }

    public ValueTask ResetAsync(CancellationToken cancellationToken)
    {
        _checkpoint = null;
        return default;
    }
}
