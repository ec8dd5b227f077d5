using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

public sealed class UsersDb(DbContextOptions<UsersDb> options) : DbContext(options)
{
    public DbSet<User> Users => Set<User>();

    public DbSet<Session> Sessions => Set<Session>();

    public DbSet<AccountRequest> AccountRequests => Set<AccountRequest>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<User>().HasIndex(user => user.NormalizedUserName).IsUnique();
        modelBuilder.Entity<User>().Property(user => user.ConcurrencyStamp).IsConcurrencyToken();
        modelBuilder.Entity<Session>().HasKey(session => session.TokenHash);
        modelBuilder.Entity<Session>().HasIndex(session => session.Username);
        modelBuilder.Entity<AccountRequest>().HasKey(request => request.RequestId);
        modelBuilder.Entity<AccountRequest>().HasIndex(request => request.Username);
        modelBuilder.Entity<AccountRequest>().HasIndex(request => request.Published);
    }
}

/// <summary>A customer, as Identity keeps it.</summary>
public sealed class User : IdentityUser;

public sealed class Session
{
    /// <summary>SHA-256 of the token: who reads the database cannot sign in with it.</summary>
    public required string TokenHash { get; init; }

    public required string Username { get; init; }

    public required DateTime ExpiresAt { get; init; }
}

/// <summary>A wish for an account. The row is there before the event, so no wish is lost between the two.</summary>
public sealed class AccountRequest
{
    /// <summary>Also the id of the event: it may be published as often as it takes.</summary>
    public required Guid RequestId { get; init; }

    public required string Username { get; init; }

    public required DateTime RequestedAt { get; init; }

    /// <summary>The bus confirmed that the event is stored.</summary>
    public bool Published { get; set; }

    /// <summary>Null until the account is created.</summary>
    public long? AccountId { get; set; }
}
