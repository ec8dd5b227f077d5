await Bank.Users.UsersService.Build(args).RunAsync();
