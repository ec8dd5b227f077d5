using Sequent.Client;

namespace Sequent.Testing.Tests;

/// <summary>The types of the tour.</summary>
public static class Tour
{
    public sealed record Deposited(decimal Amount);

    public sealed record Withdrawn(decimal Amount);

    public sealed record PendingTransaction(string FromAccountId, string ToAccountId, decimal Amount);

    public sealed record AcceptedTransaction;

    public sealed record RejectedTransaction(string Reason);

    public sealed record Account(decimal Balance) : IState<Account>
    {
        public static Account Initial => new(0m);

        public static Account Apply(Account state, RecordedEvent e) => e.Data switch
        {
            Deposited d => new(state.Balance + d.Amount),
            Withdrawn w => new(state.Balance - w.Amount),
            _ => state,
        };

        public bool CanPay(decimal amount) => Balance >= amount;

        public Withdrawn Withdraw(decimal amount) => CanPay(amount) ? new(amount) : throw new InvalidOperationException("insufficient funds");
    }

    public sealed record Transfer(bool Ended) : IState<Transfer>
    {
        public static Transfer Initial => new(false);

        public static Transfer Apply(Transfer state, RecordedEvent e) => new(e.Data is AcceptedTransaction or RejectedTransaction);
    }

    /// <summary>A handler is a unit too: what it appends is committed as one atomic batch when it returns, then the event is acked.</summary>
    public sealed class PendingTransactionHandler : IEventHandler<PendingTransaction>
    {
        public async Task HandleAsync(EventContext<PendingTransaction> context, CancellationToken cancellationToken)
        {
            var transfer = await context.ReadAsync<Transfer>(context.Key, cancellationToken); // read, so its ending can only take value 1
            if (transfer.Ended)
                return;
            var from = await context.ReadAsync<Account>(context.Data.FromAccountId, cancellationToken);
            if (!from.CanPay(context.Data.Amount))
            {
                context.Append(context.Key, new RejectedTransaction("insufficient_funds"));
                return;
            }

            context.Append(context.Key, new AcceptedTransaction());
            context.Append(context.Data.FromAccountId, new Withdrawn(context.Data.Amount));
            context.Append(context.Data.ToAccountId, new Deposited(context.Data.Amount));
        }
    }

    /// <summary>A projection owns its storage and its transaction; false means that another instance moved the checkpoint first.</summary>
    public sealed class BalancesProjection : IProjection
    {
        private readonly Dictionary<string, decimal> _balances = [];
        private Checkpoint? _checkpoint;

        public IReadOnlyList<string> Types => ["Deposited", "Withdrawn"];

        public IReadOnlyDictionary<string, decimal> Balances => _balances;

        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => new(_checkpoint);

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
        {
            if (_checkpoint != from)
                return new(false);
            foreach (var e in events)
                _balances[e.Key] = _balances.GetValueOrDefault(e.Key) + (e.Data switch { Deposited d => d.Amount, Withdrawn w => -w.Amount, _ => 0m });
            _checkpoint = to;
            return new(true);
        }

        public ValueTask ResetAsync(CancellationToken cancellationToken)
        {
            _balances.Clear();
            _checkpoint = null;
            return default;
        }
    }
}
